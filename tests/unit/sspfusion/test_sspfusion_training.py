"""SSPFusion's two stages and its ablations: what each trains, and that it learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusionbench.errors import ConfigError
from fusionbench.losses import dissimilarity, strongest_gradient, strongest_intensity
from fusionbench.method import FusionMethod
from fusionbench.registry.methods import spec
from fusionbench.types import PairBatch
from fusionbench.weights.methods import load_weights, save_weights

VARIANTS = tuple(spec("sspfusion").known_variants())
STRUCTURE, FUSION = {"structure", "reconstruction"}, {"ssim", "intensity", "gradient"}


def build(reference: str = "sspfusion", **arguments: object) -> FusionMethod:
    torch.manual_seed(0)
    method = spec(reference)
    return method.build(method.config().args | arguments).train()


def batch(count: int = 1, side: int = 16) -> PairBatch:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(2, count, 1, side // 4, side // 4, generator=generator)
    a, b = (torch.nn.functional.interpolate(x, scale_factor=4, mode="bicubic").clamp(0, 1) for x in coarse)
    return PairBatch(a, b)


def halves(count: int) -> PairBatch:
    """Return pairs whose left half is dark in b and whose right half is dark in a, so that one image can serve both."""
    data = batch(count)
    left = (torch.arange(data.a.shape[-1]) < data.a.shape[-1] // 2).float()
    return PairBatch(data.a * left, data.b * (1 - left))


def optimizer(method: FusionMethod, lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adam([p for p in method.parameters() if p.requires_grad], lr=lr)


def step(method: FusionMethod, data: PairBatch, adam: torch.optim.Optimizer) -> dict[str, float]:
    adam.zero_grad()
    terms = method.losses(data)
    sum(terms.values()).backward()
    adam.step()
    return {name: term.item() for name, term in terms.items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_train_a_step_of_each_stage_and_fuse(variant: str) -> None:
    method, data = build(f"sspfusion@{variant}"), batch()
    reached = set()
    for stage in method.stages:
        method.begin(stage)
        terms = step(method, data, optimizer(method, 1e-4))
        assert all(torch.isfinite(torch.tensor(value)) for value in terms.values())
        reached |= {
            name for name, p in method.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
        }
    assert reached == {name for name, _ in method.named_parameters()}
    fused = method.eval().fuse(*data[:2])
    assert fused.shape == (1, 1, 16, 16)
    assert 0 <= fused.min() <= fused.max() <= 1


def test_the_papers_ablations_are_all_there() -> None:
    tables = [layer["about"] for layer in spec("sspfusion").known_variants().values()]
    assert sum(about.startswith("Table 4") for about in tables) == 2
    assert sum(about.startswith("Table 6") for about in tables) == 3  # the fourth pair is the paper's own


def test_the_structure_stage_trains_the_extractor_alone() -> None:
    method = build()
    before = {name: p.detach().clone() for name, p in method.named_parameters()}
    method.begin("structure")
    assert set(step(method, batch(), optimizer(method, 1e-3))) == STRUCTURE
    changed = {name for name, p in method.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {n for n in before if n.startswith("network.extractor.") or n == "network.slope"}


def test_the_fusion_stage_trains_everything_on_all_terms() -> None:
    method = build()
    for stage in method.stages:
        method.begin(stage)
    assert all(p.requires_grad for p in method.parameters())
    assert set(method.losses(batch())) == STRUCTURE | FUSION


def test_a_frozen_extractor_stays_as_the_structure_stage_left_it() -> None:
    method = build("sspfusion@frozen")
    before = {name: p.detach().clone() for name, p in method.named_parameters()}
    method.begin("fusion")
    assert set(step(method, batch(), optimizer(method, 1e-3))) == FUSION
    changed = {name for name, p in method.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {n for n in before if not n.startswith("network.extractor.") and n != "network.slope"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [("sspfusion@as_printed@wo_p", "spf=false"), ("sspfusion@frozen@wo_f", "alpha and beta of 0")],
)
def test_switches_that_leave_each_other_nothing_to_do_are_refused(reference: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(reference)


def test_the_small_recipe_changes_the_training_alone() -> None:
    assert spec("sspfusion@cpu").config().args == {}


def test_without_structure_losses_there_is_no_structure_stage_and_no_tail() -> None:
    method = build("sspfusion@wo_f")
    assert method.stages == ("fusion",)
    assert set(method.losses(batch())) == FUSION
    assert not any("extractor.re" in name for name, _ in method.named_parameters())


def test_without_spf_structures_still_reach_the_image() -> None:
    method, data = build("sspfusion@wo_p").eval(), batch()
    before = method.fuse(*data[:2])
    method.network.extractor.decode.levels[0][1].second.weight.data.mul_(50)
    assert not torch.allclose(method.fuse(*data[:2]), before, atol=1e-3)


@pytest.mark.parametrize("stage", ["structure", "fusion"])
@pytest.mark.parametrize("threshold", ["feature", "gradient"])
def test_a_step_lowers_the_loss_on_a_fixed_batch(
    stage: str, threshold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, data = build(threshold=threshold), batch()
    method.begin(stage)
    # targets are made of the features anew and move with them; here they stay what they are before the step
    fixed = []
    with monkeypatch.context() as patch:
        patch.setattr(method, "target", lambda x: fixed.append(type(method).target(method, x)) or fixed[-1])
        before = step(method, data, optimizer(method, 2e-6))
    monkeypatch.setattr(method, "target", lambda x: fixed.pop(0))
    assert sum(method.losses(data).values()) < sum(before.values())
    assert fixed == []


def test_a_step_of_the_recipe_lowers_the_structure_loss_with_targets_that_move() -> None:
    method, data = build(), batch()
    method.begin("structure")
    before = step(method, data, optimizer(method, 2e-4))
    assert method.losses(data)["structure"] < before["structure"]


def test_weights_survive_the_file(tmp_path: Path) -> None:
    method = build()
    save_weights(method, tmp_path / "weights.safetensors", {})
    torch.manual_seed(1)
    other = spec("sspfusion").build({})
    load_weights(other, tmp_path / "weights.safetensors")
    torch.testing.assert_close(
        other.eval().fuse(*batch()[:2]), method.eval().fuse(*batch()[:2]), rtol=0, atol=0
    )


def floors(data: PairBatch) -> dict[str, float]:
    """Return what no image does better than: the terms of the best one, found by descent on its pixels."""
    image = torch.maximum(data.a, data.b).requires_grad_()
    adam = torch.optim.Adam([image], lr=0.01)
    for _ in range(300):
        adam.zero_grad()
        terms = image_terms(image, data)
        sum(terms.values()).backward()
        adam.step()
    # Dice is 1 where all is right, at three scales of two modalities; Charbonnier its epsilon
    return {name: term.item() for name, term in terms.items()} | {"structure": 6.0, "reconstruction": 2e-3}


def image_terms(fused: torch.Tensor, data: PairBatch) -> dict[str, torch.Tensor]:
    return {
        "ssim": dissimilarity(fused, data.a, data.b),
        "intensity": strongest_intensity(fused, data.a, data.b),
        "gradient": strongest_gradient(fused, data.a, data.b),
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("threshold", ["feature", "gradient"])
@pytest.mark.parametrize("stage", ["structure", "fusion"])
def test_overfits_four_pairs(stage: str, threshold: str) -> None:
    method, data = build(threshold=threshold), halves(4)
    method.begin(stage)
    adam = optimizer(method, 2e-4)
    history = [step(method, data, adam) for _ in range(300)]
    lowest = floors(data)
    for name, first in history[0].items():
        last = sum(terms[name] for terms in history[-20:]) / 20
        assert last - lowest[name] < 0.6 * (first - lowest[name]), (name, first, last, lowest[name])
