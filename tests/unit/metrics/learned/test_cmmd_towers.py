"""Towers from files of all kinds: archives with code, other layouts, names that would be asked for on the network."""

import hashlib
import json
import socket
import warnings
from pathlib import Path

import pytest
import torch
from metric_samples import texture

from fusionbench.cells.done import lacking
from fusionbench.errors import WeightsError
from fusionbench.metrics.learned import embeddings, towers
from fusionbench.metrics.learned.embeddings import EmbeddingCache
from fusionbench.metrics.learned.sets import SetScore, score_set
from fusionbench.metrics.learned.sets_options import TOWERS, TowerSpec, setting_of, tower_of

CMMDF = ("sarclip-rn50", "remoteclip-rn50")
SCENES = [tuple(texture(3 * seed + i, kind="smooth") for i in range(3)) for seed in range(3)]


def cmmdf(cache: EmbeddingCache) -> SetScore:
    return score_set("CMMDF", lambda: iter(SCENES), len(SCENES), cache)


class Whole(torch.nn.Module):
    """A CLIP of which only the image tower's tensors matter."""

    def __init__(self, visual: torch.nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def archived(tower: torch.nn.Module, path: Path) -> None:
    """Write a whole CLIP's archive with code, as OpenAI's files are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have people leave TorchScript
        torch.jit.trace(Whole(tower), torch.zeros(1)).save(path)


def test_an_archive_with_code_needs_its_hash_in_the_options(small_towers, tmp_path, monkeypatch):
    archived(towers.build_tower(TowerSpec("small.json", 32)), small_towers / "mine.pt")
    digest = hashlib.sha256((small_towers / "mine.pt").read_bytes()).hexdigest()
    text = "towers: {mine: {model: small.json, side: 32, file: mine.pt%s}}\nCMMDF: {a: mine, b: mine}\n"
    options, cache = small_towers / "cmmd.yaml", EmbeddingCache(tmp_path / "e")
    with monkeypatch.context() as patch:
        patch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("code was loaded"))
        for stated, says in (
            ("", "code in files is never run"),
            (f", sha256: '{'0' * 64}'", "not 0000000000"),
        ):
            options.write_text(text % stated)
            score = cmmdf(cache)
            assert score.status == "unavailable"
            assert says in score.detail
    options.write_text(text % f", sha256: '{digest}'")
    assert cmmdf(cache).status == "ok"


def test_another_layout_in_the_same_file_is_another_tower(small_towers):
    before, layout = tower_of("sarclip-rn50"), small_towers / "small.json"
    setting, key = setting_of("CMMDF"), embeddings.tower_key(before)
    layout.write_text(json.dumps(json.loads(layout.read_text()) | {"quick_gelu": True}))
    assert setting_of("CMMDF") != setting
    assert embeddings.tower_key(tower_of("sarclip-rn50")) != key
    layout.unlink()
    assert "small.json cannot be read" in lacking("CMMDF")


@pytest.mark.parametrize("model", ["hf-hub:someone/something", "local-dir:", "local-dir:/tmp"])
def test_a_model_is_never_asked_for_elsewhere(model, small_towers, tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("the network was used"))
    file = small_towers / "cmmd.yaml"
    file.write_text(file.read_text().replace("small.json", f"'{model}'"))
    score = cmmdf(EmbeddingCache(tmp_path / "e"))
    assert (score.status, score.value) == ("unavailable", None)
    assert "open_clip has no model" in score.detail


@pytest.mark.parametrize(
    "layout", ["[]", "{}", "text", '{"embed_dim": 16, "vision_cfg": {"layers": [0], "head_width": 0}}']
)
def test_a_layout_that_cannot_be_built_is_told(layout, small_towers, tmp_path):
    (small_towers / "small.json").write_text(layout)
    score = cmmdf(EmbeddingCache(tmp_path / "e"))
    assert (score.status, score.value) == ("unavailable", None)
    assert "small.json" in score.detail


def test_a_file_without_counters_of_batches_is_whole(small_towers, tmp_path):
    before = cmmdf(EmbeddingCache(tmp_path / "e"))
    file = small_towers / "SARCLIP-RN50.pt"
    state = {k: v for k, v in torch.load(file).items() if "num_batches_tracked" not in k}
    torch.save(state, file)
    assert cmmdf(EmbeddingCache(tmp_path / "e")).value == before.value


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CMMDF, "clip-vit-l-14-336"])
def test_the_real_architectures_take_the_files_they_are_published_in(name, tmp_path):
    spec = TOWERS[name]
    tower = towers.build_tower(spec)
    file = tmp_path / "weights.pt"
    if "vit" in name:  # OpenAI's file is a TorchScript archive in half precision
        archived(tower.half(), file)
        tower.float()
        assert towers.check_vit_l_14_336(file) is None
    else:
        state = {f"module.visual.{key}": value for key, value in tower.state_dict().items()}
        torch.save({"state_dict": state}, file)  # as open_clip's training writes it
        assert towers.check_rn50(file) is None
        with pytest.raises(WeightsError, match="do not fit"):
            towers.check_vit_l_14_336(file)
    dimension = 768 if "vit" in name else 1024
    assert tower(towers.preprocessed(texture(0), spec)).shape == (1, dimension)
