"""CMMD and CMMDF on small random towers: what they compute, what is kept, and what they lack."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from metric_samples import texture
from PIL import Image

from fusionbench.errors import ImageError, RequestError
from fusionbench.metrics import cards, compute, score
from fusionbench.metrics.learned import embeddings, sets_options, towers
from fusionbench.metrics.learned.embeddings import EmbeddingCache
from fusionbench.metrics.learned.mmd import Kernel, mmd
from fusionbench.metrics.learned.sets import SetScore, score_set
from fusionbench.metrics.learned.sets_options import TOWERS, TowerSpec, options_of, setting_of, tower_of

CMMDF = ("sarclip-rn50", "remoteclip-rn50")


def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a = texture(seed, kind="smooth")
    b = np.stack([texture(seed + 50 + i, kind="smooth") for i in range(3)], axis=-1)
    return a, b, (a[..., None] // 2 + b // 2).astype(np.uint8)


SCENES = [scene(seed) for seed in range(6)]


def cmmdf(cache: EmbeddingCache, scenes=SCENES) -> SetScore:
    return score_set("CMMDF", lambda: iter(scenes), len(scenes), cache)


def test_it_is_the_mean_of_two_discrepancies_each_by_its_own_tower(small_towers, tmp_path):
    score = cmmdf(EmbeddingCache(tmp_path / "e"))
    a, b, fused = zip(*SCENES, strict=True)
    views = [
        [np.stack([towers.embed(tower_of(name), levels) for levels in images]) for images in (source, fused)]
        for name, source in zip(CMMDF, (a, b), strict=True)
    ]
    expected = np.mean([mmd(*view, Kernel(sigma=0.1)) for view in views])
    assert (score.status, score.images) == ("ok", 6)
    assert score.value == pytest.approx(expected, rel=1e-12)
    assert score.value > 1
    assert score.low < score.value < score.high
    assert score.detail == score.setting == setting_of("CMMDF")
    assert "sigma 0.1" in score.detail


def test_the_tower_of_the_first_source_may_be_shown_the_luma(small_towers, tmp_path):
    cache = EmbeddingCache(tmp_path / "e")
    colored = cmmdf(cache)
    path = sets_options.folder() / "cmmd.yaml"
    path.write_text(path.read_text().replace("CMMDF: {", "CMMDF: {luma_a: true, "))
    score = cmmdf(cache)
    a, b, fused = zip(*SCENES, strict=True)
    luma = [np.asarray(Image.fromarray(levels).convert("L")) for levels in fused]
    views = [
        [np.stack([towers.embed(tower_of(name), levels) for levels in images]) for images in shown]
        for name, shown in zip(CMMDF, ((a, luma), (b, fused)), strict=True)
    ]
    expected = np.mean([mmd(*view, Kernel(sigma=0.1)) for view in views])
    assert score.value == pytest.approx(expected, rel=1e-12)
    assert score.value != colored.value
    assert "fused images as luma beside source a" in score.setting
    assert "luma" not in colored.setting


def test_fused_images_that_are_both_sources_are_at_no_distance(small_towers, tmp_path):
    same = [(a, a, a) for a, *_ in SCENES]
    assert cmmdf(EmbeddingCache(tmp_path / "e"), same).value == pytest.approx(0, abs=1e-10)


def test_the_defaults_are_those_of_cmmd():
    options = options_of("CMMDF")
    assert (options.a, options.b) == CMMDF
    assert Kernel() == Kernel(options.sigma, options.scale, options.normalize, options.unbiased)
    assert Kernel() == Kernel(10.0, 1000.0, True, False)
    assert {name: (t.model, t.side) for name, t in TOWERS.items()}["clip-vit-l-14-336"] == (
        "ViT-L-14-336-quickgelu",
        336,
    )
    assert [cards()[name].per for name in ("CMMD", "CMMDF", "EN")] == ["set", "set", "image"]


def test_a_tower_sees_the_central_square_in_its_own_normalization():
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[:, 10:50] = texture(0, 40, 40)[..., None]
    spec = TowerSpec("RN50", 20, [0.5] * 3, [0.25] * 3)
    prepared = towers.preprocessed(image, spec)
    small = Image.fromarray(image[:, 10:50]).resize((20, 20), Image.Resampling.BICUBIC)
    expected = (torch.from_numpy(np.array(small)).permute(2, 0, 1) / 255 - 0.5) / 0.25
    assert torch.equal(prepared[0], expected)
    assert torch.equal(towers.preprocessed(image[..., 0], spec), prepared)  # one channel is repeated


def test_each_image_is_seen_once_by_a_tower(small_towers, tmp_path, monkeypatch):
    seen, real = [], towers.embed
    monkeypatch.setattr(towers, "embed", lambda *args: seen.append(args[0].name) or real(*args))
    cache = EmbeddingCache(tmp_path / "e")
    first = cmmdf(cache)
    assert len(seen) == 4 * len(SCENES)
    assert cmmdf(cache) == first
    assert len(seen) == 4 * len(SCENES)
    cmmdf(cache, [(a, b, a) for a, b, _ in SCENES])  # another method on the same pairs
    assert seen[4 * len(SCENES) :] == ["remoteclip-rn50"] * len(SCENES)


def test_what_is_kept_belongs_to_pixels_and_tower(small_towers, tmp_path):
    cache, tower, image = EmbeddingCache(tmp_path / "e"), tower_of("sarclip-rn50"), texture(0)
    places = {
        cache.place(tower, image),
        cache.place(tower, image.T),
        cache.place(tower, texture(1)),
        cache.place(tower_of("remoteclip-rn50"), image),
        cache.place(replace(tower, digest="0" * 64), image),
        cache.place(replace(tower, spec=TowerSpec("small.json", 32)), image),
    }
    assert len(places) == 6
    assert cache.place(tower, image.copy(order="F")) == cache.place(tower, image)


@pytest.mark.parametrize("damage", [b"", b"no array", "text"])
def test_a_damaged_file_is_computed_anew(damage, small_towers, tmp_path):
    cache, tower = EmbeddingCache(tmp_path / "e"), tower_of("sarclip-rn50")
    vector = cache.embedding(tower, texture(0))
    place = cache.place(tower, texture(0))
    if damage == "text":
        np.save(place, np.array(["text"]))
    else:
        place.write_bytes(damage)
    assert np.array_equal(cache.embedding(tower, texture(0)), vector)
    assert np.array_equal(np.load(place), vector)


def test_two_processes_may_compute_the_same_at_once(small_towers, tmp_path, monkeypatch):
    cache, tower, real, other = EmbeddingCache(tmp_path / "e"), tower_of("sarclip-rn50"), towers.embed, []

    def overtaken(*args):
        if not other:
            other.append(0)  # while this process computes, another one does the same and is done first
            with monkeypatch.context() as patch:
                patch.setattr("os.getpid", lambda: 1)
                other[0] = cache.embedding(tower, texture(0))
        return real(*args)

    monkeypatch.setattr(towers, "embed", overtaken)
    vector = cache.embedding(tower, texture(0))
    assert np.array_equal(vector, other[0])
    files = [path for path in (tmp_path / "e").rglob("*") if path.is_file()]
    assert files == [cache.place(tower, texture(0))]
    assert np.array_equal(np.load(files[0]), vector)


def test_one_image_is_no_set(small_towers, tmp_path):
    score = cmmdf(EmbeddingCache(tmp_path / "e"), SCENES[:1])
    assert (score.value, score.status) == (None, "undefined")
    assert "needs at least 2" in score.detail


@pytest.mark.parametrize("file", ["SARCLIP-RN50.pt", "RemoteCLIP-RN50.pt"])
def test_a_missing_tower_is_told_with_the_remedy(file, small_towers, tmp_path):
    (small_towers / file).unlink()
    score = cmmdf(EmbeddingCache(tmp_path / "e"))
    assert (score.value, score.status) == (None, "unavailable")
    assert file in score.detail
    assert "fusionbench weights import" in score.detail


def test_a_file_of_another_network_is_told(small_towers, tmp_path):
    torch.save({"visual.conv1.weight": torch.zeros(2)}, small_towers / "SARCLIP-RN50.pt")
    score = cmmdf(EmbeddingCache(tmp_path / "e"))
    assert score.status == "unavailable"
    assert "do not fit the image tower sarclip-rn50" in score.detail


class Harmful:
    def __reduce__(self):
        return print, ("a file ran code",)


def test_code_in_a_file_is_not_run(small_towers, tmp_path, capsys):
    torch.save({"visual.conv1.weight": Harmful()}, small_towers / "SARCLIP-RN50.pt")
    assert cmmdf(EmbeddingCache(tmp_path / "e")).status == "unavailable"
    assert "ran code" not in capsys.readouterr().out


def test_a_file_with_another_hash_than_its_publisher_states_is_not_taken(small_towers, tmp_path):
    (small_towers / "ViT-L-14-336px.pt").write_bytes(b"something else")
    score = score_set("CMMD", lambda: iter(SCENES), 6, EmbeddingCache(tmp_path / "e"))
    assert score.status == "unavailable"
    assert "SHA-256" in score.detail


def test_an_unknown_model_makes_the_metric_unavailable(small_towers, tmp_path):
    file = small_towers / "cmmd.yaml"
    file.write_text(file.read_text().replace("small.json", "RN51"))
    score = cmmdf(EmbeddingCache(tmp_path / "e"))
    assert score.status == "unavailable"
    assert "open_clip has no model 'RN51'" in score.detail


def test_an_image_that_cannot_be_read_is_the_callers(small_towers, tmp_path):
    def broken():
        yield SCENES[0]
        raise ImageError("gone")

    with pytest.raises(ImageError, match="gone"):
        score_set("CMMDF", broken, 6, EmbeddingCache(tmp_path / "e"))


def test_single_images_have_no_such_value():
    a, b, fused = SCENES[0]
    with pytest.raises(RequestError, match="CMMDF is a value of many images together"):
        score(a, b, fused, "EN,CMMDF")
    tensor = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    with pytest.raises(RequestError, match="CMMD is a value of many images together"):
        compute(tensor, tensor, tensor, "CMMD")


def test_the_version_of_preparing_is_part_of_what_is_kept(small_towers, monkeypatch):
    before = embeddings.tower_key(tower_of("sarclip-rn50"))
    monkeypatch.setattr(embeddings, "VERSION", embeddings.VERSION + 1)
    assert embeddings.tower_key(tower_of("sarclip-rn50")) != before
