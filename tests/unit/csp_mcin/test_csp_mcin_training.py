"""CSP-MCIN's training: every variant takes a step, PCGrad and the plain sum, on the demo data, and it learns."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from fusionbench.methods.csp_mcin import CSPMCIN
from fusionbench.methods.csp_mcin.towers import untrained_towers

from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import WeightsError
from fusionbench.method import FusionMethod
from fusionbench.registry.methods import spec
from fusionbench.runs.sweep import find_sweep, read_sweep
from fusionbench.training.fit import FitOptions, train
from fusionbench.training.pcgrad import gradients, project
from fusionbench.types import PairBatch

VARIANTS = tuple(name for name, layer in spec("csp_mcin").known_variants().items() if "args" in layer)
QUICK = ("stages.fuse.crop=32", "stages.fuse.batch_size=2", "stages.fuse.epochs=1")
OPTIONS = FitOptions(device="cpu", quiet=True)


def build(reference: str = "csp_mcin", **arguments: object) -> FusionMethod:
    torch.manual_seed(0)
    method_spec = spec(reference)
    method = method_spec.build(method_spec.config().args | arguments)
    method.towers = untrained_towers(32)
    method.begin("fuse")
    return method.train()


def batch(count: int = 2, side: int = 32) -> PairBatch:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, 4, side // 4, side // 4, generator=generator)
    images = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic").clamp(0, 1)
    return PairBatch(images[:, :1], images[:, 1:])


def step(method: FusionMethod, data: PairBatch, adam: torch.optim.Optimizer) -> float:
    """Take a step as the recipe does, by PCGrad and clipped to 1; return the objectives' sum before it."""
    objectives = list(method.objectives(method.losses(data)).values())
    parameters, gradient_rows = gradients(objectives, list(method.parameters()))
    sizes = [p.numel() for p in parameters]
    for parameter, part in zip(parameters, project(gradient_rows).split(sizes), strict=True):
        parameter.grad = part.view_as(parameter)
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    adam.step()
    return sum(objective.item() for objective in objectives)


def adamw(method: FusionMethod, lr: float = 1e-4) -> torch.optim.Optimizer:
    return torch.optim.AdamW([p for p in method.parameters() if p.requires_grad], lr=lr, weight_decay=1e-4)


@pytest.mark.parametrize(
    "variant",
    [name if i < 3 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(VARIANTS)],
)
def test_variants_train_a_step_and_fuse(variant: str) -> None:
    method, data = build(f"csp_mcin@{variant}"), batch()
    adam = adamw(method)
    before = {name: p.detach().clone() for name, p in method.named_parameters() if p.requires_grad}
    assert step(method, data, adam) > 0
    still = {name for name, p in method.named_parameters() if name in before and p.grad is None}
    assert still == set()
    assert any(not torch.equal(p, before[n]) for n, p in method.named_parameters() if n in before)
    assert torch.isfinite(torch.tensor(sum(method.losses(data).values()).item()))
    with torch.inference_mode():
        fused = method.eval().fuse(data.a, data.b[:, :1])
    assert fused.shape == (2, 1, 32, 32)
    assert 0 <= fused.min() <= fused.max() <= 1


@pytest.mark.parametrize(
    ("training_set", "epochs"),
    [("whu-opt-sar", 65), ("sen12", 100), ("qxs-saropt", 120), ("ogsod", 100), ("sar-optical", 120)],
)
def test_epochs_are_those_of_the_data_set_that_is_learned_from(training_set: str, epochs: int) -> None:
    recipe = spec("csp_mcin@wo_hsfm").config((), training_set).stages["fuse"]
    assert (recipe.epochs, recipe.batch_size) == (epochs, 15)
    assert spec("csp_mcin@wos@wo_hsfm").config((), training_set).stages["fuse"].epochs == 65


def test_the_papers_ablations_are_all_there() -> None:
    about = [layer["about"] for layer in spec("csp_mcin").known_variants().values()]
    assert sum(text.startswith(("Table 4", "Tables 4")) for text in about) == 7
    assert sum(text.startswith("Figure 7") for text in about) == 1


@pytest.mark.parametrize(
    ("variant", "terms"),
    [
        ("wo_l_cor", {"sar_semantic", "opt_semantic"}),
        ("wo_l_sem", {"sar_correlation", "opt_correlation"}),
        ("only_l_dc", {"sar_correlation", "opt_correlation"}),
    ],
)
def test_what_a_loss_ablation_keeps(variant: str, terms: set[str]) -> None:
    assert set(build(f"csp_mcin@{variant}").losses(batch())) == terms


@pytest.mark.parametrize(
    ("name", "keys", "values"),
    [
        ("csp_mcin_lambda_sar", {"args.lambda_sar"}, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ("csp_mcin_lambda_cor", {"args.lambda_cor"}, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
        ("csp_mcin_weighting", {"args.pcgrad", "args.lambda_sar"}, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
    ],
)
def test_the_papers_grids_are_sweeps(name: str, keys: set[str], values: list[float]) -> None:
    sweep = read_sweep(find_sweep(name))
    assert sweep.grid.keys() == keys
    assert list(sweep.grid.values())[-1] == values


def test_only_frozen_layers_are_those_that_no_gradient_reaches() -> None:
    layers = [
        "sar_encoder.fc",
        "opt_encoder.fc",
        *(f"ldfm.observations.{n}" for n in ("norm", "reduce", "restore")),
    ]
    frozen = {name for name, p in build().named_parameters() if not p.requires_grad}
    assert frozen == {f"network.{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert all(
        "fc" in name for name, p in build("csp_mcin@gate_at_work").named_parameters() if not p.requires_grad
    )


def test_gray_optical_images_train_too() -> None:
    method, data = build().eval(), batch()
    gray = data._replace(b=data.b[:, :1])
    colored = data._replace(b=data.b[:, :1].expand(-1, 3, -1, -1))
    terms, expected = method.losses(gray), method.losses(colored)
    for name, term in expected.items():
        torch.testing.assert_close(terms[name], term, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def pairs() -> Split:
    return find_split(dataset("demo-sar-opt"), "train", limit=4)


def test_training_on_the_demo_data_by_pcgrad(
    pairs: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, seen = untrained_towers(32), []
    monkeypatch.setattr(CSPMCIN, "towers", given)
    losses = CSPMCIN.losses
    monkeypatch.setattr(CSPMCIN, "losses", lambda self, data: seen.append(data.b) or losses(self, data))
    method = spec("csp_mcin")
    folder = train(method, method.config(QUICK), pairs, tmp_path, OPTIONS)
    assert {tuple(b.shape[1:]) for b in seen} == {(3, 32, 32)}, "the loss needs the optical chroma"
    log = pd.read_csv(folder.path / "fuse" / "csv-0" / "metrics.csv")
    assert log["train/cosine_sar_opt"].dropna().between(-1, 1).all()
    assert {"train/sar_semantic", "train/opt_correlation"} <= set(log)
    about = json.loads(folder.weights.with_suffix(".json").read_text())
    assert about["caveats"] == []
    assert about["auxiliaries"] == {}


@pytest.mark.slow
def test_training_on_the_demo_data_by_the_weighted_sum(pairs: Split, tmp_path: Path) -> None:
    method = spec("csp_mcin@semantic_none+wo_pcgrad+cpu")
    folder = train(method, method.config(QUICK), pairs, tmp_path, OPTIONS)
    log = pd.read_csv(folder.path / "fuse" / "csv-0" / "metrics.csv")
    assert not any("cosine" in name for name in log)
    about = json.loads(folder.weights.with_suffix(".json").read_text())
    assert "without the CLIP-guided semantic loss" in about["caveats"][0]


def test_training_without_towers_takes_no_step(pairs: Split, tmp_path: Path) -> None:
    method = spec("csp_mcin")
    with pytest.raises(WeightsError, match="are not given"):
        train(method, method.config(QUICK), pairs, tmp_path, OPTIONS)
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_overfits_four_pairs() -> None:
    method, data = build(), batch(4, side=32)
    adam = adamw(method)
    sums = [step(method, data, adam) for _ in range(300)]
    assert sum(sums[-10:]) / 10 < 0.7 * sums[0], (sums[0], sums[-10:])
