"""LSNF's two stages and its ablations: who learns when, what is saved, and that a stopped training goes on as before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fusionbench.methods.lsnf import network
from safetensors.torch import load_file, save_file

from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import WeightsError
from fusionbench.method import FusionMethod
from fusionbench.registry.methods import spec
from fusionbench.training import callbacks
from fusionbench.training.curves import read_curves
from fusionbench.training.fit import FitOptions, train
from fusionbench.training.training_set import ValidationPairs, collate
from fusionbench.types import PairBatch
from fusionbench.weights.methods import load_weights

VARIANTS = ("lsnf", *(f"lsnf@{name}" for name in spec("lsnf").known_variants()))
NARROW = {"generator_width": 4, "generator_blocks": 1, "critic_width": 4}
TRANSLATION, FUSION = {"cycle", "adversarial", "critic"}, {"ssim", "pixel", "adversarial", "critic"}
OPTIONS = FitOptions(device="cpu", quiet=True)


def build(reference: str = "lsnf", **arguments: object) -> FusionMethod:
    torch.manual_seed(0)
    method = spec(reference)
    return method.build(method.config().args | NARROW | arguments).train()


def crops(split: Split, side: int) -> PairBatch:
    pairs = ValidationPairs(split, crop=side)
    return collate([pairs[number] for number in range(len(pairs))])


@pytest.fixture(scope="module")
def batch() -> PairBatch:
    return crops(find_split(dataset("demo-sar-opt"), "train", limit=2), 32)


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def step(method: FusionMethod, data: PairBatch, lr: float = 1e-4) -> dict[str, float]:
    adam = torch.optim.Adam([p for p in method.parameters() if p.requires_grad], lr=lr)
    terms = method.losses(data)
    sum(terms.values()).backward()
    adam.step()
    return {name: term.item() for name, term in terms.items()}


@pytest.mark.parametrize(
    "variant",
    [name if i < 3 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(VARIANTS)],
)
def test_variants_train_a_step_of_each_stage_and_fuse(variant: str, batch: PairBatch) -> None:
    method = build(variant)
    assert method.stages == (("fusion",) if variant.endswith("wo_cyclegan") else ("translation", "fusion"))
    for stage in method.stages:
        method.begin(stage)
        method.zero_grad()
        terms = step(method, batch)
        assert set(terms) == (TRANSLATION if stage == "translation" else FUSION)
        assert all(torch.isfinite(torch.tensor(value)) for value in terms.values())
        learners = [p for p in method.parameters() if p.requires_grad]
        assert all(p.grad is not None for p in learners)
    fused = method.eval().fuse(*batch[:2])
    assert fused.shape == batch.a.shape
    assert 0 <= fused.min() <= fused.max() <= 1


def test_each_stage_teaches_its_own_part_and_its_critics(batch: PairBatch) -> None:
    method = build()
    parts = {"network": method.network, "generators": method.generators}
    for stage, taught in (("translation", "generators"), ("fusion", "network")):
        method.begin(stage)
        before = {name: state(part) for name, part in parts.items()}
        critics = state(method.critics)
        step(method, batch)
        assert {name for name, part in parts.items() if not same(before[name], state(part))} == {taught}
        assert not same(critics, state(method.critics))


def test_the_step_is_cyclegans_alternation_of_two_optimizers(batch: PairBatch) -> None:
    together, apart = build(), build()
    for method in (together, apart):
        method.begin("translation")
    step(together, batch)
    makers = torch.optim.Adam(apart.generators.parameters(), lr=1e-4)
    judges = torch.optim.Adam(apart.critics.parameters(), lr=1e-4)
    a, b = 2 * batch.a - 1, 2 * batch.b - 1
    generators, critics = apart.generators, apart.critics
    made_a, made_b = generators["a"](b), generators["b"](a)
    critics.requires_grad_(False)
    cycle = (generators["a"](made_b) - a).abs().mean() + (generators["b"](made_a) - b).abs().mean()
    fooled = (critics["a"](made_a) - 1).square().mean() + (critics["b"](made_b) - 1).square().mean()
    (10 * cycle + fooled).backward()
    makers.step()
    critics.requires_grad_(True)
    for critic, real, made in ((critics["a"], a, made_a), (critics["b"], b, made_b)):
        judged = (critic(real) - 1).square().mean() + critic(made.detach()).square().mean()
        (judged / 2).backward()
    judges.step()
    torch.testing.assert_close(together.state_dict(), apart.state_dict(), rtol=1e-4, atol=1e-6)


def test_weights_bring_the_size_of_their_generators(batch: PairBatch, tmp_path: Path) -> None:
    trained, method = build(generator_blocks=2).eval(), build(generator_width=8).eval()
    save_file(trained.state_dict(), tmp_path / "narrow.safetensors")
    load_weights(method, tmp_path / "narrow.safetensors")
    assert not any(p.requires_grad for p in method.generators.parameters())
    with torch.inference_mode():
        torch.testing.assert_close(method.fuse(batch.a, batch.b), trained.fuse(batch.a, batch.b))
    half = {name: value for name, value in trained.state_dict().items() if not name.startswith("network")}
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(WeightsError):
        load_weights(method, tmp_path / "half.safetensors")


def test_frozen_generators_feed_both_branches(batch: PairBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = build().eval(), []
    monkeypatch.setattr(network.LSNFNetwork, "forward", lambda _, x, y: seen.extend([x, y]) or x[:, :1])
    method.fuse(*batch[:2])
    a, b = 2 * batch.a - 1, 2 * batch.b - 1
    torch.testing.assert_close(seen[0], torch.cat([a, method.generators["a"](b)], 1))
    torch.testing.assert_close(seen[1], torch.cat([b, method.generators["b"](a)], 1))
    assert not any(x.requires_grad for x in seen)


def test_without_leaky_relu_the_network_sees_0_to_1(
    batch: PairBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, seen = build("lsnf@wo_leaky").eval(), []
    monkeypatch.setattr(network.LSNFNetwork, "forward", lambda _, x, y: seen.extend([x, y]) or x[:, :1])
    torch.testing.assert_close(method.fuse(*batch[:2]), batch.a)
    torch.testing.assert_close(seen[1][:, :1], batch.b)
    assert all(0 <= x.min() <= x.max() <= 1 for x in seen)


def test_eval_is_deterministic_and_keeps_images_apart(batch: PairBatch) -> None:
    method = build().eval()
    fused = method.fuse(*batch[:2])
    assert torch.equal(fused, method.fuse(*batch[:2]))
    torch.testing.assert_close(fused[1:], method.fuse(batch.a[1:], batch.b[1:]))


def test_without_adversarial_weight_there_are_no_critics_in_the_fusion_stage(batch: PairBatch) -> None:
    method = build(adversarial_weight=0.0)
    method.begin("translation")
    assert method.critics is not None
    method.begin("fusion")
    assert method.critics is None
    assert set(method.losses(batch)) == {"ssim", "pixel"}


SHORT = tuple(
    f"stages.{stage}.{key}"
    for stage in ("translation", "fusion")
    for key in ("epochs=2", "crop=32", "batch_size=2")
)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training of two stages take seconds: one block and 16 channels a level."""
    monkeypatch.setattr(network, "WIDTHS", (16, 16, 16, 16, 16))
    monkeypatch.setattr(network, "BLOCKS", (1, 1, 1, 1))


class PowerCut(Exception):
    """Stands for a kill between two system calls."""


def fit(out: Path) -> Path:
    method = spec("lsnf")
    config = method.config((*SHORT, *(f"args.{name}={value}" for name, value in NARROW.items())))
    return train(method, config, find_split(dataset("demo-sar-opt"), "train", limit=6), out, OPTIONS).path


def stop_after(stage: str, epoch: int, out: Path) -> None:
    """Begin a training and stop it once the checkpoint of an epoch is written."""
    write = callbacks.write_json

    def write_and_stop(path: Path, document: dict[str, Any]) -> None:
        write(path, document)
        if (path.parent.name, document["epochs"]) == (stage, epoch):
            raise PowerCut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "write_json", write_and_stop)
        with pytest.raises(PowerCut):
            fit(out)


@pytest.mark.slow
@pytest.mark.usefixtures("narrow")
def test_a_stopped_training_ends_with_the_same_weights_and_curves(tmp_path: Path) -> None:
    whole, cut = fit(tmp_path / "whole"), tmp_path / "cut"
    # inside each stage and between both; critics and their moments must come back
    for stage, epoch in (("translation", 1), ("translation", 2), ("fusion", 1)):
        stop_after(stage, epoch, cut)
    resumed = fit(cut)
    weights = [load_file(folder / "weights.safetensors") for folder in (whole, resumed)]
    assert same(*weights)
    assert not any("critic" in name for name in weights[0])
    for stage in ("translation", "fusion"):
        curves = [read_curves(folder / stage) for folder in (whole, resumed)]
        assert curves[0].equals(curves[1])
    total = curves[0]["train/ssim"] + curves[0]["train/pixel"]
    assert curves[0]["train/content"].to_numpy() == pytest.approx(total.to_numpy())
    assert len(total) == 2
    method = spec("lsnf").build(json.loads((whole / "weights.json").read_text())["arguments"])
    load_weights(method, whole / "weights.safetensors")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_300_steps_on_four_pairs_halve_the_content_loss(shared_data: Path) -> None:
    data = crops(find_split(dataset("sar-optical"), "train", root=shared_data, limit=4), 32)
    method, content = build(), []
    method.begin("fusion")
    adam = torch.optim.Adam([p for p in method.parameters() if p.requires_grad], lr=5e-4, betas=(0.5, 0.999))
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 300)
    for _ in range(300):
        adam.zero_grad()
        terms = method.losses(data)
        sum(terms.values()).backward()
        adam.step()
        falling.step()
        content.append((terms["ssim"] + terms["pixel"]).item())
    assert sum(content[-10:]) / 10 < content[0] / 2
