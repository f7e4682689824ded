"""The canonical metrics against the field's own code, on committed patterns and on real images."""

import math

import pytest
import torch
from golden_files import REFERENCES, SYNTHETIC, TANG, VIFB, Reference, channels, golden, gray, triples

from fusionbench.metrics import compute, score

# a constant source holds no information: ours is undefined where this code puts VIF = 1 for that source
REPLACED = {("zero_source", "VIFF")}
# Windows that are flat but for rounding: there the references follow their own rounding errors, as the test
# in extended precision shows; the two differ from each other by 1.3e-6 on deg_saturated_255.
ROUNDING = {
    "saturated": 5e-10,
    "medical_max": 5e-10,
    "ivif_tno01_seafusion": 2e-9,
    "ivif_road_483x227_lap": 5e-10,
    "deg_saturated_255": 5e-6,
}


def agrees(value: float, reference: float, relative: float) -> bool:
    return math.isclose(value, reference, rel_tol=relative, abs_tol=1e-12)


def check(folder, triple: str, references: tuple[Reference, ...]) -> None:
    scores, expected = score(*map(gray, channels(folder, triple))), golden(folder)
    for reference in references:
        value = expected[triple, reference.row, reference.implementation] * reference.factor
        ours = scores[reference.metric]
        if math.isnan(value) or (triple, reference.row) in REPLACED:
            assert ours.status == "undefined", reference
            continue
        relative = ROUNDING.get(triple, 1e-10) if reference.metric == "VIF" else 1e-9
        assert agrees(ours.value, value, relative), (reference, value, ours)


@pytest.mark.parametrize("triple", triples(SYNTHETIC))
def test_metrics_equal_the_references_on_patterns(triple):
    check(SYNTHETIC, triple, REFERENCES)


def test_metrics_equal_the_references_on_real_images(shared_golden):
    names = [name for name, row in triples(shared_golden / "real").items() if row["channels_F"] == "1"]
    assert len(names) > 10
    for name in names:
        check(shared_golden / "real", name, REFERENCES)


def test_a_color_triple_equals_tang_on_luma_and_vifb_channel_by_channel(shared_golden):
    folder, triple = shared_golden / "real", "color_vifb_carwhite_gff"
    check(folder, triple, tuple(reference for reference in REFERENCES if reference.implementation == TANG))
    planes = [torch.from_numpy(image.copy()).permute(2, 0, 1)[:, None] for image in channels(folder, triple)]
    values, expected = compute(*planes), golden(folder)
    for metric in ("EN", "SD", "AG", "MI", "Qabf", "SSIM"):
        value = expected[triple, metric, VIFB] * (1 / math.log(2) if metric == "MI" else 1)
        assert agrees(values[metric].mean().item(), value, 1e-9), metric
