"""CSP-MCIN's loss: each term against its definition, both weighted objectives, and the towers it looks through."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from fusionbench.methods.csp_mcin import loss, towers
from fusionbench.methods.csp_mcin.towers import Tower, load_tower, untrained_towers

from fusionbench.errors import ConfigError, WeightsError
from fusionbench.metrics.learned.weight_files import weight_file
from fusionbench.registry.methods import card, load, spec
from fusionbench.types import PairBatch


def images(count: int = 2, channels: int = 1, side: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def test_the_soft_clamp_bends_into_the_range() -> None:
    x = torch.tensor([-3.0, 0.25, 0.5, 0.75, 4.0])
    torch.testing.assert_close(loss.soft_clamp(x), torch.tensor([0, 0.25, 0.5, 0.75, 1]), atol=1e-3, rtol=0)
    slope = torch.tensor([-0.1, 1.1], requires_grad=True)
    loss.soft_clamp(slope).sum().backward()
    assert (slope.grad > 0.1).all()


def test_correlation_is_pearsons() -> None:
    x, y = images(3), images(3, seed=1)
    expected = [torch.corrcoef(torch.stack([x[i].flatten(), y[i].flatten()]))[0, 1] for i in range(3)]
    torch.testing.assert_close(loss.correlation(x, y), torch.stack(expected).mean())
    torch.testing.assert_close(loss.correlation(x, 0.2 - 0.5 * x), torch.tensor(-1.0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("deviation", [0.002, 0.004, 0.2])
def test_calm_water_correlates_like_a_city(deviation: float) -> None:
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.randn(2, 1, 1, 128, 128, generator=generator, dtype=torch.float64)
    y = 0.9 * x + (1 - 0.9**2) ** 0.5 * noise
    expected = torch.corrcoef(torch.stack([x.flatten(), y.flatten()]))[0, 1].item()
    images = (0.3 + deviation * z.float() for z in (x, y))
    assert loss.correlation(*images).item() == pytest.approx(expected, abs=1e-4)
    assert expected == pytest.approx(0.9, abs=0.01)


def test_a_constant_image_has_no_correlation_and_a_finite_gradient() -> None:
    flat = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    correlation = loss.correlation(flat, images(1, side=4))
    correlation.backward()
    assert correlation.item() == pytest.approx(0, abs=1e-4)
    assert torch.isfinite(flat.grad).all()


def test_the_sum_of_both_sources_leaves_no_residual() -> None:
    sar, opt = images(), images(seed=1)
    full = loss.correlation_loss(sar + opt, sar, opt, residual=True)
    direct = loss.correlation_loss(sar + opt, sar, opt, residual=False)
    torch.testing.assert_close(full, direct)
    torch.testing.assert_close(direct, 0.4 * (1 - loss.correlation(sar + opt, sar)))
    away = loss.correlation_loss(opt, sar, opt, residual=True)
    torch.testing.assert_close(away, 0.4 * (1 - loss.correlation(opt, sar)) + 0.6, atol=1e-4, rtol=0)


def test_info_nce_is_its_formula() -> None:
    anchors, candidates = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
    cosine = F.cosine_similarity(anchors[:, None], candidates[None], dim=2) / 0.07
    expected = -(cosine.diagonal() - cosine.exp().sum(1).log()).mean()
    torch.testing.assert_close(loss.info_nce(anchors, candidates), expected)
    assert loss.info_nce(anchors[:1], candidates[:1]) == 0


class Flat(torch.nn.Module):
    """A tower of five constant maps, the mean brightness, and an embedding of two numbers."""

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, object]:
        self.seen = x
        mean = x.mean((1, 2, 3), keepdim=True)
        embedding = torch.cat([mean, 1 - mean], 1)[..., 0, 0]
        return {"image_intermediates": [mean] * 5, "image_features": embedding}


def flat(side: int = 8) -> Tower:
    return Tower(Flat(), (0.0,) * 3, (1.0,) * 3, side=side)


def test_the_semantic_loss_weighs_levels_and_embedding() -> None:
    fused, source = torch.full((2, 3, 8, 8), 0.5), torch.full((2, 3, 8, 8), 0.2)
    value = loss.semantic_loss(flat(), fused, source)
    # both pairs look alike: InfoNCE cannot tell them apart
    assert value.item() == pytest.approx(0.7 * 0.3**2 + 0.3 * torch.tensor(2.0).log().item(), rel=1e-5)
    assert loss.semantic_loss(flat(), fused, source, "squared_norm").item() == pytest.approx(
        value.item(), rel=1e-5
    )


def test_features_are_compared_by_the_mean_or_by_the_printed_squared_norm() -> None:
    x, y = torch.rand(2, 3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([torch.linalg.vector_norm(x[i] - y[i]) ** 2 for i in range(3)]).mean()
    torch.testing.assert_close(loss.feature_distance(x, y, "squared_norm"), expected)
    torch.testing.assert_close(loss.feature_distance(x, y, "mean"), expected / (4 * 5 * 6))


def test_as_printed_departs_where_the_released_code_departs_from_the_text() -> None:
    printed, released = (spec(name).config() for name in ("csp_mcin@as_printed", "csp_mcin"))
    recipe = printed.stages["fuse"]
    assert (recipe.optimizer.name, recipe.optimizer.weight_decay, recipe.clip) == ("adam", 0, 0)
    assert (recipe.optimizer.lr, recipe.batch_size) == (1e-4, 15)
    assert released.stages["fuse"].optimizer.name == "adamw"
    method = load("csp_mcin@as_printed")
    assert (method.reduction, method.hparams.distance) == ("sum", "squared_norm")
    assert (load("csp_mcin").reduction, load("csp_mcin").hparams.distance) == ("mean", "mean")


def test_no_gradient_flows_into_the_source_or_the_tower() -> None:
    tower = untrained_towers().opt
    fused, source = images(2, 3).requires_grad_(), images(2, 3, seed=1).requires_grad_()
    loss.semantic_loss(tower, fused, source).backward()
    assert fused.grad.abs().sum() > 0
    assert source.grad is None
    assert all(p.grad is None for p in tower.module.parameters())


def test_a_tower_sees_its_size_and_its_normalization() -> None:
    image = torch.full((1, 3, 30, 40), 0.75)
    for modality, expected in (("sar", [0.5] * 3), ("opt", [0.9997, 1.1181, 1.2394])):
        tower = Tower(Flat(), *towers.NORMALIZATION[modality], side=12)
        tower(image)
        assert tower.module.seen.shape == (1, 3, 12, 12)
        assert tower.module.seen[0, :, 5, 5].tolist() == pytest.approx(expected, abs=1e-3)
    assert flat().side == 8
    assert Tower(Flat(), (0.0,), (1.0,)).side == 224


def test_chroma_comes_from_the_source() -> None:
    rgb = images(1, 3) * 0.4 + 0.3
    luma = 0.299 * rgb[:, :1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:]
    torch.testing.assert_close(loss.with_chroma(luma, rgb), rgb, atol=1e-3, rtol=0)
    gray = loss.with_chroma(luma, luma.expand(-1, 3, -1, -1))
    torch.testing.assert_close(gray[:, 0], gray[:, 2], atol=1e-5, rtol=0)


def test_objectives_are_the_papers_sums() -> None:
    torch.manual_seed(0)
    method = load("csp_mcin", lambda_sar=0.4, lambda_cor=0.6)
    method.towers = towers.Towers(flat(), flat())
    batch = PairBatch(images(2, side=32), images(2, 3, side=32, seed=1))
    method.eval()
    terms = method.losses(batch)
    luma = 0.299 * batch.b[:, :1] + 0.587 * batch.b[:, 1:2] + 0.114 * batch.b[:, 2:]
    fused = loss.soft_clamp(method.network(batch.a, luma))
    sar = 0.6 * loss.correlation_loss(fused, batch.a, luma, True)
    sar = sar + 0.4 * loss.semantic_loss(flat(), fused.expand(-1, 3, -1, -1), batch.a.expand(-1, 3, -1, -1))
    opt = 0.6 * loss.correlation_loss(fused, luma, batch.a, True)
    opt = opt + 0.4 * loss.semantic_loss(flat(), loss.with_chroma(fused, batch.b), batch.b)
    objectives = method.objectives(terms)
    torch.testing.assert_close(objectives["sar"], 0.4 * sar)
    torch.testing.assert_close(objectives["opt"], 0.6 * opt)
    assert set(terms) == {"sar_correlation", "opt_correlation", "sar_semantic", "opt_semantic"}


def test_no_loss_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="keep one of them"):
        load("csp_mcin", correlation="none", semantic="none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"semantic": "CLIP"}, "semantic is 'CLIP': use one of clip, none"),
        ({"final_gfu": "none"}, "use one of as_released, no_ln"),
        ({"lambda_sar": 1.5}, "lambda_sar is 1.5: use a share from 0 to 1"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load("csp_mcin", **arguments)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save the image tower of an untrained RN50 as a CLIP's state dict, as open_clip's training writes it."""
    from open_clip.modified_resnet import ModifiedResNet

    torch.manual_seed(0)
    state = {f"module.visual.{k}": v for k, v in ModifiedResNet(**towers.RN50).state_dict().items()}
    path = tmp_path_factory.mktemp("clip") / "rn50.pt"
    torch.save({"state_dict": {"module.logit_scale": torch.zeros(()), **state}}, path)
    return path


def test_a_tower_is_loaded_from_a_file(clip: Path) -> None:
    tower = load_tower(str(clip), "opt")
    assert tower.sha256 == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert not tower.module.training
    assert not any(p.requires_grad for p in tower.module.parameters())
    state = torch.load(clip, weights_only=True)["state_dict"]
    torch.testing.assert_close(tower.module.conv1.weight.data, state["module.visual.conv1.weight"])
    with torch.inference_mode():
        seen = tower(images(1, 3, side=32))
    shapes = [(64, 56), (256, 56), (512, 28), (1024, 14), (2048, 7)]
    assert [tuple(x.shape) for x in seen.features] == [(1, width, side, side) for width, side in shapes]
    assert seen.embedding.shape == (1, 1024)


def test_a_training_begins_with_both_towers_and_keeps_them_out_of_its_weights(clip: Path) -> None:
    method = load("csp_mcin", sar_tower=str(clip), opt_tower=str(clip))
    names = set(method.state_dict())
    method.begin("fuse")
    assert method.towers.sar.mean == (0.5,) * 3
    assert method.auxiliaries == {
        "sar_tower": method.towers.sar.sha256,
        "opt_tower": method.towers.opt.sha256,
    }
    assert set(method.state_dict()) == names
    assert sum(p.numel() for p in method.parameters()) == 37_652_119
    assert not method.train().towers.opt.module.training


def test_a_training_without_towers_stops_before_it_begins() -> None:
    with pytest.raises(
        WeightsError, match=r"args.sar_tower and args.opt_tower are not given.*csp_mcin@semantic_none"
    ):
        load("csp_mcin").begin("fuse")
    with pytest.raises(WeightsError, match=r"but args.sar_tower is not given: get RemoteCLIP-RN50.pt"):
        load("csp_mcin", opt_tower="rn50.pt").begin("fuse")
    method = load("csp_mcin@semantic_none")
    method.begin("fuse")
    assert method.towers is None
    assert "semantic=none" in method.caveats[0]


def test_message_card_and_list_of_weights_name_the_sarclip_that_the_paper_cites() -> None:
    known = weight_file("sarclip-rn50")
    with pytest.raises(WeightsError, match=re.escape(known.note)):
        load("csp_mcin").begin("fuse")
    said = next(point["why"] for point in card("csp_mcin").open if point["what"] == "which SARCLIP")
    for text in (said, known.purpose):
        assert "Wang et al." in text
    assert known.licence == "unknown"
    assert any("neither place nor licence is known" in note for note in card("csp_mcin").notes)
    assert "The First Vision-Language" in said
    assert all("CAESAR-Radi's SARCLIP" in text for text in (said, known.note))


def test_towers_that_are_set_are_not_loaded() -> None:
    method = load("csp_mcin")
    method.towers = given = untrained_towers()
    method.begin("fuse")
    assert method.towers is given


def test_files_that_are_no_tower_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"is no file: correct args\.sar_tower"):
        load_tower(str(tmp_path / "none.pt"), "sar")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="is no CLIP RN50 of open_clip"):
        load_tower(str(tmp_path / "other.pt"), "sar")


def test_only_a_reference_to_the_hub_downloads(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(repository: str, filename: str) -> str:
        asked.append((repository, filename))
        return str(clip)

    monkeypatch.setattr("open_clip.pretrained.download_pretrained_from_hf", download)
    load_tower(str(clip), "opt")
    assert asked == []
    load_tower("hf-hub:chendelong/RemoteCLIP/RemoteCLIP-RN50.pt", "opt")
    assert asked == [("chendelong/RemoteCLIP", "RemoteCLIP-RN50.pt")]
    with pytest.raises(WeightsError, match="names no file on the hub"):
        load_tower("hf-hub:chendelong/RemoteCLIP", "opt")


def test_a_download_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, filename: str) -> str:
        raise FileNotFoundError("no such repository")

    monkeypatch.setattr("open_clip.pretrained.download_pretrained_from_hf", download)
    with pytest.raises(WeightsError, match="cannot be downloaded: no such repository"):
        load_tower("hf-hub:a/b/c.pt", "opt")
