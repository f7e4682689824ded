"""Published networks keep their scripts' quirks apart from our contract; random weights suffice to see it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fusionbench.methods.mufusion.method import TILE, tiles
from typer.testing import CliRunner

import fusionbench
from fusionbench.checks.methods import excuses
from fusionbench.cli.app import app
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.data.training_data import TrainingData
from fusionbench.errors import RequestError
from fusionbench.method import fuse_pair
from fusionbench.registry.methods import card, load, names, spec
from fusionbench.runs.plan import group_members
from fusionbench.training.fit import FitOptions, train
from fusionbench.weights.published import checkpoints
from fusionbench.weights.rules import card_rules

DEEP = ("datfuse", "densefuse", "didfuse", "ifcnn", "lrrnet", "matr", "mfeif", "mufusion", "seafusion", "tardal", "u2fusion")  # fmt: skip
GENERATOR = torch.Generator().manual_seed(5)
A = torch.rand(2, 1, 40, 40, generator=GENERATOR)
B = torch.rand(2, 3, 40, 40, generator=GENERATOR)


def test_groups() -> None:
    assert tuple(group_members("deep")) == DEEP
    assert not set(DEEP) & set(group_members("learned"))
    assert set(group_members("all")) == set(names())


@pytest.mark.parametrize("name", DEEP)
def test_cards_say_where_the_weights_are_and_how_the_script_differs(name: str) -> None:
    method = spec(name)
    assert not method.card.trainable
    assert card_rules(method)
    assert all({"what", "official", "default"} <= quirk.keys() for quirk in method.card.quirks)
    assert any("effect" in quirk for quirk in method.card.quirks)
    for entry in checkpoints(method):
        assert entry.url.startswith("https://raw.githubusercontent.com/")
        assert any(len(part) == 40 for part in entry.url.split("/"))  # a commit
        assert set(entry.families) <= set(method.card.families)


@pytest.mark.parametrize("name", sorted(set(DEEP) - {"mufusion"}))  # its tiles are large
def test_official_returns_stored_levels_in_colour(name: str) -> None:
    torch.manual_seed(0)
    method = load(f"{name}@official")
    fused = fuse_pair(method, A[:1], B[:1])
    levels = fused * 255
    assert fused.shape == (1, 3, 40, 40)
    assert torch.allclose(levels, levels.round(), atol=1e-3)
    if name not in ("seafusion", "tardal", "u2fusion"):  # these put colour back
        assert torch.equal(fused[:, 0], fused[:, 2])


def test_seafusions_script_stretches_over_the_batch() -> None:
    torch.manual_seed(0)
    method = load("seafusion@official")
    gray = torch.stack([torch.full((3, 8, 8), 0.2), torch.full((3, 8, 8), 0.9)])
    together = fuse_pair(method, gray[:, :1], gray)
    alone = fuse_pair(method, gray[:1, :1], gray[:1])
    assert not torch.allclose(together[:1], alone, atol=1 / 255)
    plain = load("seafusion")
    assert torch.allclose(
        fuse_pair(plain, gray[:, :1], gray)[:1], fuse_pair(plain, gray[:1, :1], gray[:1]), atol=1e-5
    )


def test_what_is_negative_wraps_around_in_datfuse() -> None:
    method = load("datfuse@official")
    assert (method.stored(torch.tensor([-2.0 / 255, 0.5]), A, B) * 255).round().tolist() == [254, 127]


def test_matrs_script_takes_square_images_only() -> None:
    with pytest.raises(RequestError, match="square images only, and this one is 40x24: use matr"):
        fuse_pair(load("matr@official"), A[..., :24, :], B[..., :24, :])
    assert set(excuses(spec("matr@official"))) == {"shape", "deterministic", "any_size"}
    assert excuses(spec("matr")) == {}


@pytest.mark.parametrize("size", [(128, 128), (192, 256), (253, 400), (252, 252)])
def test_mufusions_tiles_cover_every_pixel(size: tuple[int, int]) -> None:
    count = torch.zeros(size)
    for top, left in tiles(*size):
        assert top + TILE <= size[0]
        assert left + TILE <= size[1]
        count[top : top + TILE, left : left + TILE] += 1
    assert count.min() >= 1


def test_small_images_are_padded_up_to_what_a_network_takes() -> None:
    torch.manual_seed(0)
    for name, side in (("densefuse", 2), ("mufusion", 4)):
        assert load(name).smallest_side == side
        assert fuse_pair(load(name), A[..., :1, :1], B[..., :1, :1]).shape == (2, 3, 1, 1)


def test_a_licence_is_named_for_every_file() -> None:
    said = {entry.licence for name in DEEP for entry in checkpoints(spec(name))}
    assert said == {"none stated", "MIT", "GPL-3.0"}
    assert card("tardal").checkpoints[0]["licence"] == "GPL-3.0"


def test_without_its_file_a_row_is_unavailable_and_says_what_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    result = fusionbench.run("tardal", "demo", limit=1, metrics="EN", baselines=False)
    assert not result.ok
    assert [(cell.status, cell.fused) for cell in result.cells] == [("unavailable", 0)]
    assert "`fusionbench weights fetch tardal`" in result.cells[0].detail
    table = CliRunner().invoke(app, ["table", "runs", "--format", "md"])
    assert "fusionbench weights fetch tardal" in table.stdout


def test_there_is_nothing_to_train(tmp_path: Path) -> None:
    method = spec("seafusion")
    data = TrainingData((find_split(dataset("demo"), "train"),))
    with pytest.raises(RequestError, match="inference with its authors' weights"):
        train(method, method.config(), data, tmp_path, FitOptions(device="cpu", quiet=True))
