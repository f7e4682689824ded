"""Published networks with their authors' weights, checked to the pixel against what the authors' code gave.

The references hold the network's output before any clamp as float32, and the 8-bit image that the script writes. The
weights are found as `fusionbench run` finds them, below FUSIONBENCH_WEIGHTS.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from fusionbench.data.images import load_pair
from fusionbench.data.pipeline import to_uint8
from fusionbench.method import fuse_pair
from fusionbench.published import PublishedFusionMethod
from fusionbench.registry.methods import spec
from fusionbench.types import Pair
from fusionbench.weights.published import load_chosen, published_weights

IR_VIS = ("tno24", "tno11", "msrs00621D", "road06065")
COLOR = ("msrs00621D", "road06065")
MEDICAL = ("petmri_25015", "ctmri_2013", "spectmri_10018")
WHITE = {"densefuse": 255.0}  # in the network's output, 1 elsewhere


class Row(NamedTuple):
    """A method with its variant, what its reference files add to a pair's name, and the pairs that they are of."""

    method: str
    suffix: str
    pairs: tuple[str, ...]


ROWS = (
    Row("densefuse@official", "_gray", IR_VIS),
    Row("ifcnn@official", "_max", ("road06065", "tno11", "tno24", "msrs00621D", *MEDICAL)),
    Row("seafusion@official", "", IR_VIS),
    Row("didfuse@official", "", IR_VIS),
    Row("datfuse@official", "", IR_VIS),
    Row("lrrnet@official", "", IR_VIS),
    Row("mfeif@official", "", ("road06065", "tno24", "tno11", "msrs00621D")),
    Row("mufusion@official", "_tno", IR_VIS),
    Row("matr@official", "", MEDICAL),
    Row("tardal@official", "_tardal", IR_VIS),
    Row("u2fusion@official", "", (*IR_VIS, *MEDICAL)),
)
FURTHER = (
    Row("densefuse@official+rgb", "_rgb", COLOR),
    Row("ifcnn@official+sum", "_sum", ("tno11", "road06065")),
    Row("ifcnn@official+mean", "_mean", ("tno11", "road06065")),
    Row("mufusion@official+roadscene", "_roadscene", IR_VIS),
    Row("mufusion@official", "_harvard", MEDICAL),
    Row("mufusion@rgb", "_tnorgb", COLOR),
    Row("tardal@official+plusplus", "_tardal++", ("tno11", "road06065")),
)
# one pair with an array for each of the eleven; the others take minutes
CASES = [
    pytest.param(row, pair, marks=() if row in ROWS and pair == row.pairs[0] else pytest.mark.slow)
    for row in (*ROWS, *FURTHER)
    for pair in row.pairs
]


@pytest.fixture
def baselines(shared_baselines: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of references, which is the folder of weights, too."""
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(shared_baselines))
    return shared_baselines


def ready(reference: str, family: str) -> PublishedFusionMethod:
    """Return a method with its authors' weights."""
    method_spec = spec(reference)
    arguments = method_spec.config().args
    method, chosen = method_spec.build(arguments), published_weights(method_spec, family, arguments)
    assert isinstance(method, PublishedFusionMethod)
    assert chosen is not None
    load_chosen(method_spec, method, chosen)
    return method


def sources(baselines: Path, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a and b of a pair as `run` reads them."""
    inputs = baselines / "inputs"
    a, b = ("med_b", "med_a") if name in MEDICAL else ("ir", "vi")
    pair = load_pair(Pair(name, inputs / a / f"{name}.png", inputs / b / f"{name}.png"))
    of_b = torch.from_numpy(pair.b)
    return torch.from_numpy(pair.a)[None, None], (
        of_b[None, None] if of_b.ndim == 2 else of_b.movedim(-1, 0)[None].contiguous()
    )


@pytest.mark.parametrize(
    ("row", "name"), CASES, ids=lambda value: value if isinstance(value, str) else value.method
)
def test_gives_what_the_authors_code_gave(row: Row, name: str, baselines: Path) -> None:
    method = ready(row.method, "medical" if name in MEDICAL else "ir-vis")
    a, b = sources(baselines, name)
    base = row.method.partition("@")[0]
    reference = baselines / base / "reference" / f"{name}{row.suffix}.png"
    with torch.inference_mode():
        if reference.with_suffix(".npy").is_file():
            output = method.output(*method.read(a, b.expand(-1, 3, -1, -1)))[0].numpy()
            gap = np.abs(output - np.load(reference.with_suffix(".npy"))).max()
            assert gap <= 1e-5 * WHITE.get(base, 1)
        stored = to_uint8(fuse_pair(method, a, b)[0].numpy()).astype(int)
    expected = np.asarray(Image.open(reference)).astype(int)
    if expected.ndim < stored.ndim:  # the script writes grey where a pair is in colour
        assert (stored == stored[..., :1]).all()
        stored = stored[..., 0]
    elif expected.ndim > stored.ndim:  # or three equal channels where it is grey
        assert (expected == expected[..., :1]).all()
        expected = expected[..., 0]
    assert stored.shape == expected.shape
    off = np.abs(stored - expected)
    assert off.max() <= 1
    assert np.mean(off > 0) < 1e-3  # rounding noise where a value lies between two levels


def test_the_first_pair_of_every_method_has_an_array(baselines: Path) -> None:
    for row in ROWS:
        folder = baselines / row.method.partition("@")[0] / "reference"
        assert (folder / f"{row.pairs[0]}{row.suffix}.npy").is_file(), row.method
    assert len(ROWS) == 11
