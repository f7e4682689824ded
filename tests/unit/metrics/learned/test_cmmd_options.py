"""cmmd.yaml: towers and kernels that users choose, and what is wrong with some."""

from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.errors import ConfigError, PluginError, UnknownNameError, WeightsError
from fusionbench.metrics import cards
from fusionbench.metrics.learned.sets_options import OPTIONS, TOWERS, options_of, setting_of, tower_of
from fusionbench.metrics.learned.weight_files import KNOWN
from fusionbench.metrics.plugins import checked


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "metrics").mkdir()
    return tmp_path / "metrics"


def write(folder: Path, text: str) -> None:
    (folder / "cmmd.yaml").write_text(text)


def test_every_tower_is_a_known_file_and_every_card_names_the_default_towers():
    assert TOWERS.keys() <= KNOWN.keys()
    for name, options in OPTIONS.items():
        assert cards()[name].weights == tuple(dict.fromkeys((options.a, options.b)))
        assert all(name in KNOWN[tower].used_by for tower in (options.a, options.b))


def test_a_tower_of_ones_own_and_another_kernel(folder):
    write(
        folder,
        "towers:\n  mine: {model: ViT-B-32, file: mine.pt, mean: [0, 0, 0]}\n"
        "CMMD: {a: mine, b: mine, sigma: 5, unbiased: true, normalize: false}\n",
    )
    with pytest.raises(WeightsError, match=r"Tower 'mine' has no file .*mine\.pt: put it there"):
        setting_of("CMMD")
    (folder / "mine.pt").write_bytes(b"weights")
    tower = tower_of("mine")
    assert (tower.spec.model, tower.spec.side, tower.spec.mean) == ("ViT-B-32", 224, [0, 0, 0])
    assert setting_of("CMMD") == (
        f"mine (SHA-256 {tower.digest[:8]}, model ViT-B-32, side 224, mean [0.0, 0.0, 0.0], std {TOWERS['clip-rn50'].std}) "
        "for both sources, Gaussian kernel with sigma 5, times 1000, unbiased, embeddings not normalized"
    )
    assert options_of("CMMDF") == OPTIONS["CMMDF"]


def test_a_known_tower_may_be_changed_in_parts(folder):
    write(folder, "towers:\n  sarclip-rn50: {file: other.pt}\n")
    (folder / "other.pt").write_bytes(b"weights")
    spec = tower_of("sarclip-rn50").spec
    assert (spec.model, spec.mean) == ("RN50", [0.5, 0.5, 0.5])
    assert TOWERS["sarclip-rn50"].file is None


def test_all_that_decides_embeddings_is_in_the_setting(folder):
    (folder / "other.pt").write_bytes(b"weights")
    settings = set()
    for change in ("", ", side: 96", ", mean: [0, 0, 0]", ", std: [1, 1, 1]", ", model: RN101"):
        write(
            folder,
            f"towers: {{sarclip-rn50: {{file: other.pt{change}}}}}\nCMMD: {{a: sarclip-rn50, b: sarclip-rn50}}\n",
        )
        settings.add(setting_of("CMMD"))
    assert len(settings) == 5
    plain = min(settings, key=len)
    assert plain.startswith(f"sarclip-rn50 (SHA-256 {tower_of('sarclip-rn50').digest[:8]}) for both sources")


def test_a_changed_file_is_read_again(folder):
    write(folder, "CMMD: {sigma: 2}\n")
    assert options_of("CMMD").sigma == 2
    write(folder, "CMMD: {sigma: 30}\n")
    assert options_of("CMMD").sigma == 30
    (folder / "cmmd.yaml").unlink()
    assert options_of("CMMD").sigma == 10


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CMMDG: {}\n", "did you mean 'CMMD"),
        ("CMMD: {sigmas: 2}\n", "did you mean 'sigma'"),
        ("CMMD: {sigma: wide}\n", "'wide'"),
        ("CMMD: {sigma: 0}\n", "more than 0"),
        ("CMMD: {scale: .inf}\n", "must be finite"),
        ("CMMD: 3\n", "must be a mapping"),
        ("- CMMD\n", "mapping"),
        ("towers: {mine: {file: a.pt}}\n", "model"),
        ("towers: {mine: {model: RN50, side: 0}}\n", "side of at least 1"),
        ("towers: {mine: {model: RN50, mean: [1]}}\n", "3 numbers"),
        ("towers: {'../mine': {model: RN50}}\n", "names no tower"),
        ("towers: {mine: {model: RN50}}\n", "tower 'mine' has no file"),
        ("towers: 3\n", "towers must be a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(text, says, folder):
    write(folder, text)
    with pytest.raises(ConfigError, match=says) as caught:
        options_of("CMMD")
    assert "cmmd.yaml" in str(caught.value)


def test_an_unknown_tower_suggests_the_nearest(folder):
    write(folder, "CMMDF: {a: sarclip-rn500}\n")
    with pytest.raises(UnknownNameError, match="did you mean 'sarclip-rn50'"):
        options_of("CMMDF")


def test_metrics_of_other_packages_are_of_single_images_and_bring_their_own_files():
    with pytest.raises(PluginError, match="per is 'set': metrics of other packages are of single images"):
        checked(replace(cards()["CMMD"], name="Theirs"))
    with pytest.raises(PluginError, match="planes is 'yuv': write one of mean, side by side, rgb"):
        checked(replace(cards()["EN"], name="Theirs", planes="yuv"))
    with pytest.raises(PluginError, match="weights names 'theirs'"):
        checked(replace(cards()["LIQE"], name="Theirs", weights=("theirs",)))
