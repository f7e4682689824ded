"""LIQE and CLIP-IQA with random weights: as pyiqa computes them, from the files alone, through the command line."""

from __future__ import annotations

import json
import shutil
import socket
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_clip import clip_archive, liqe_file, residual_network, vision_transformer
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.errors import WeightsError
from fusionbench.metrics import compute, score
from fusionbench.metrics.learned.fetch import import_file
from fusionbench.metrics.learned.iqa_models import _loaded, _remembered
from fusionbench.metrics.learned.weight_files import KNOWN

NAMES = ("LIQE", "LIQE-mix", "CLIP-IQA")
IMAGES = np.random.default_rng(5).integers(0, 256, (3, 230, 300, 3), dtype=np.uint8)
IMAGES[1] //= 2
IMAGES[2, :, :150] = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of weights with the files of all three metrics."""
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FUSIONBENCH_WEIGHTS", str(folder))
        import_file(liqe_file(folder / "1.pt", seed=1), KNOWN["liqe-koniq"])
        import_file(liqe_file(folder / "2.pt", seed=2), KNOWN["liqe-mix"])
        import_file(clip_archive(residual_network(), folder / "3.pt"), KNOWN["clip-rn50"], trust=True)
    return folder


@pytest.fixture
def weights(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(files))
    return files / "metrics"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)


def value(image: np.ndarray, name: str) -> float:
    result = score(image, image, image, name)[name]
    assert result.status == "ok", result.detail
    return result.value


def unit(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(("name", "pretrained"), [("LIQE", "koniq"), ("LIQE-mix", "mix")])
def test_liqe_is_what_pyiqa_makes_of_the_base_file_and_the_checkpoint(
    weights: Path, tmp_path: Path, no_network: None, name: str, pretrained: str
) -> None:
    from pyiqa.archs import clip_model, liqe_arch

    base = clip_archive(vision_transformer(seed=9), tmp_path / "ViT-B-32.pt")
    checkpoint = weights / ("liqe_mix.pt" if pretrained == "mix" else "liqe_koniq.pt")
    with (
        warnings.catch_warnings(),
        patch.object(clip_model, "_download", lambda *_: str(base)),
        patch.object(liqe_arch, "DEFAULT_CACHE_DIR", str(tmp_path)),
    ):
        warnings.simplefilter("ignore")
        theirs = liqe_arch.LIQE(pretrained=pretrained, pretrained_model_path=str(checkpoint)).eval()
    with torch.no_grad():
        expected = [theirs(unit(image)).item() for image in IMAGES]
    assert [value(image, name) for image in IMAGES] == pytest.approx(expected, abs=1e-5)
    assert len({round(number, 3) for number in expected}) == 3


def test_clip_iqa_is_what_pyiqa_makes_of_the_archive(weights: Path, no_network: None) -> None:
    from pyiqa.archs.clipiqa_arch import CLIPIQA

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CLIPIQA(backbone=str(weights / "RN50.pt")).eval()
    with torch.no_grad():
        expected = [theirs(unit(image)).item() for image in IMAGES]
    assert [value(image, "CLIP-IQA") for image in IMAGES] == pytest.approx(expected, abs=1e-6)
    assert len({round(number, 4) for number in expected}) == 3


def test_a_batch_has_the_values_of_its_images(weights: Path) -> None:
    batch = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)
    values = compute(batch, batch[:, :1], batch, NAMES)
    for name in NAMES:
        alone = [value(image, name) for image in IMAGES]
        assert values[name].dtype == torch.float64
        assert values[name].tolist() == pytest.approx(alone, abs=1e-4)


def test_only_the_colors_of_the_fused_image_count(weights: Path) -> None:
    gray = IMAGES[0][..., 0]
    for name in NAMES:
        repeated = value(np.repeat(gray[..., None], 3, axis=2), name)
        assert score(IMAGES[1], gray, gray, name)[name].value == repeated
        assert value(IMAGES[0], name) != value(IMAGES[0][..., ::-1], name)


def test_small_images_have_no_value(weights: Path) -> None:
    image = IMAGES[0][:223, :224]
    scores = score(image, image, image, NAMES)
    for name in ("LIQE", "LIQE-mix"):
        assert scores[name][:2] == (None, "undefined")
        assert scores[name].detail == "the image is smaller than 224x224 pixels"
    assert scores["CLIP-IQA"].status == "ok"
    assert score(*[image[:31]] * 3, "clip_iqa")["CLIP-IQA"].status == "undefined"
    assert score(*[IMAGES[0][:32, :32]] * 3, "clip_iqa")["CLIP-IQA"].status == "ok"


def test_a_score_names_its_file_and_a_missing_file_costs_its_metric_only(
    weights: Path, tmp_path: Path, no_network: None
) -> None:
    image = IMAGES[0]
    assert score(*[image] * 3, "liqe")["LIQE"].detail.startswith("liqe_koniq.pt ")
    away = tmp_path / "liqe_koniq.pt"
    (weights / "liqe_koniq.pt").rename(away)
    try:
        scores = score(*[image] * 3, ["en", "liqe", "clip-iqa"])
        assert {name: result.status for name, result in scores.items()} == {
            "EN": "ok",
            "LIQE": "unavailable",
            "CLIP-IQA": "ok",
        }
        assert "`fusionbench weights fetch liqe-koniq`" in scores["LIQE"].detail
        batch = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)
        with pytest.raises(WeightsError, match="is not here"):
            compute(batch, batch, batch, "liqe")
    finally:
        away.rename(weights / "liqe_koniq.pt")
    assert value(image, "LIQE") > 1


def test_a_model_is_built_once(weights: Path) -> None:
    for image in IMAGES:
        value(image, "LIQE")
    before = _loaded.cache_info()
    value(IMAGES[0], "LIQE")
    assert _loaded.cache_info().misses == before.misses


@pytest.mark.parametrize("damage", [b"", b"text", None])
def test_remembered_sentences_that_are_damaged_are_encoded_again(
    damage: bytes | None, tmp_path: Path
) -> None:
    place, features = tmp_path / "text" / "one.safetensors", torch.arange(3.0)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FUSIONBENCH_CACHE", str(tmp_path))
        assert torch.equal(_remembered("one", lambda: features), features)
        assert torch.equal(_remembered("one", lambda: pytest.fail("encoded again")), features)
        whole = place.read_bytes()
        place.write_bytes(whole[:-1] if damage is None else damage)
        assert torch.equal(_remembered("one", lambda: features), features)
    assert place.read_bytes() == whole


def test_a_changed_file_is_another_model(weights: Path, tmp_path: Path) -> None:
    before = value(IMAGES[0], "LIQE")
    shutil.copy(weights / "liqe_koniq.pt", tmp_path / "before.pt")
    import_file(liqe_file(tmp_path / "other.pt", seed=3), KNOWN["liqe-koniq"])
    assert value(IMAGES[0], "LIQE") != before
    import_file(tmp_path / "before.pt", KNOWN["liqe-koniq"])
    assert value(IMAGES[0], "LIQE") == before


def test_files_of_other_networks_are_refused(weights: Path, tmp_path: Path) -> None:
    wide = {f"clip_model.{n}": t for n, t in residual_network().state_dict().items()}
    torch.save({"params": wide}, tmp_path / "resnet.pt")
    with pytest.raises(WeightsError, match="no CLIP ViT for 224x224"):
        import_file(tmp_path / "resnet.pt", KNOWN["liqe-koniq"])
    torch.save(vision_transformer().state_dict(), tmp_path / "vit.pt")
    with pytest.raises(WeightsError, match="CLIP-IQA needs RN50"):
        import_file(tmp_path / "vit.pt", KNOWN["clip-rn50"], trust=True)
    state = residual_network().state_dict()
    for missing in ("visual.layer1.0.conv1.weight", "text_projection", "visual.bn1.weight"):
        torch.save({n: t for n, t in state.items() if n != missing}, tmp_path / "less.pt")
        with pytest.raises(WeightsError, match="do not hold the tensors of CLIP"):
            import_file(tmp_path / "less.pt", KNOWN["clip-rn50"], trust=True)
    state = {f"clip_model.{n}": t for n, t in vision_transformer().state_dict().items()}
    torch.save({"params": state | {"other": torch.zeros(1)}}, tmp_path / "more.pt")
    with pytest.raises(WeightsError, match="hold 'other', which LIQE does not have"):
        import_file(tmp_path / "more.pt", KNOWN["liqe-koniq"])
    torch.save({}, tmp_path / "empty.pt")
    for known in (KNOWN["liqe-koniq"], KNOWN["clip-rn50"]):
        with pytest.raises(WeightsError, match="do not hold the tensors of CLIP"):
            import_file(tmp_path / "empty.pt", known, trust=True)


def test_score_tells_what_lacks_and_exits_with_1(weights: Path, tmp_path: Path) -> None:
    for folder in ("a", "b", "fused"):
        (tmp_path / folder).mkdir()
        for number, image in enumerate(IMAGES[:2]):
            Image.fromarray(image).save(tmp_path / folder / f"{number}.png")
    folders = [part for name in ("a", "b", "fused") for part in (f"--{name}", str(tmp_path / name))]
    command = ["score", *folders, "--metrics", "en,Liqe,clip_iqa", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    means = json.loads(done.stdout)["means"]
    assert means["LIQE"] == pytest.approx(np.mean([value(image, "LIQE") for image in IMAGES[:2]]))
    (weights / "liqe_koniq.pt").rename(tmp_path / "away.pt")
    try:
        done = CliRunner().invoke(app, command)
    finally:
        (tmp_path / "away.pt").rename(weights / "liqe_koniq.pt")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["means"] == means | {"LIQE": None}
    assert all(
        status["LIQE"].startswith("unavailable: liqe_koniq.pt") for status in document["status"].values()
    )
    assert done.stderr.count("weights fetch liqe-koniq") == 1
