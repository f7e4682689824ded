"""What figures show of a network: the places that are named, as they are while a pair is fused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.figures import draw
from fusionbench.figures.networks.features import layer_map, pooled
from fusionbench.figures.networks.layers import check_layers, layers_of, read_layer, watched
from fusionbench.figures.networks.request import NetworkRequest
from fusionbench.figures.networks.tsne import check_widths, tsne_embedding
from fusionbench.figures.options import Options
from fusionbench.registry.methods import card, load, names

METHOD = """
from typing import ClassVar

import torch
from fusionbench.method import FusionMethod

CARD = {
    "title": "Twice", "kind": "learned", "families": ["ir-vis"],
    "layers": {"both": {"First of a": "first#1", "First of b": "first#2"}, "last": {"Last": "last"}},
}

class Twice(FusionMethod):
    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(1, 4, 1)
        self.last = torch.nn.Conv2d(4, 2, 3, padding=1)

    def fuse(self, a, b):
        return torch.sigmoid(self.last(self.first(a) + self.first(b)).mean(1, keepdim=True))
"""


class Pieces(nn.Module):
    """Give two things, one of them in a list that is emptied later."""

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        return x + y, [x * y]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pieces = Pieces()

    def forward(self, x: Tensor) -> None:
        for factor in (1, 2):
            _, held = self.pieces(x, factor * x)
            held.clear()


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    path = tmp_path / "twice.py"
    path.write_text(METHOD)
    return path


def test_a_place_is_a_module_an_input_or_output_and_a_call() -> None:
    layers = [read_layer(place) for place in ("pieces", "pieces:in1", "pieces:out1#2")]
    x = torch.tensor([2.0])
    network = Network()
    features = watched(network, layers, lambda: network(x))
    assert [features[layer].item() for layer in layers] == [4.0, 2.0, 8.0]
    assert watched(network, [read_layer("pieces#3")], lambda: network(x)) == {}
    assert network.pieces._forward_hooks == {}


@pytest.mark.parametrize("place", ["", "a b", "pieces:in", "pieces#0", ":in0"])
def test_a_place_that_cannot_be_read_is_an_error(place: str) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_layer(place)


def test_places_that_are_not_there_are_errors() -> None:
    network = Network()
    with pytest.raises(UnknownNameError, match="did you mean 'pieces'"):
        check_layers(network, [read_layer("piecez")])
    with pytest.raises(RequestError, match="has 2 such tensors"):
        watched(network, [read_layer("pieces:out2")], lambda: network(torch.ones(1)))
    with pytest.raises(RequestError, match="--layers"):
        layers_of(card("average"), ())


@pytest.mark.parametrize("name", [name for name in names() if card(name).layers])
def test_the_layers_of_a_card_are_places_of_its_network(name: str) -> None:
    layers = layers_of(card(name), ())
    method = load(name).eval()
    assert check_layers(method, layers) == layers
    size = 2 * method.multiple
    with torch.no_grad():
        maps = watched(method, layers, lambda: method.fuse(*torch.rand(2, 1, 1, size, size)))
    assert set(maps) == set(layers)
    assert all(features.ndim == 4 for features in maps.values())


def test_the_papers_figures_of_features_have_their_layers() -> None:
    assert {name for name in names() if card(name).layers} >= {"csp_mcin", "refinefuse", "sspfusion"}
    assert [layer.group for layer in layers_of(card("csp_mcin"), ["HSFM2"])] == ["HSFM2"] * 5
    assert [layer.label for layer in layers_of(card("csp_mcin"), ["gfu 1", "GFU 4"])] == ["GFU 1", "GFU 4"]


def test_a_map_is_the_mean_magnitude_from_least_to_most() -> None:
    features = torch.tensor([[[[-4.0, 0.0]], [[2.0, 2.0]]]])  # magnitudes 3 and 1
    np.testing.assert_allclose(layer_map(read_layer("x"), features), [[1.0, 0.0]])
    assert layer_map(read_layer("x"), torch.ones(1, 3, 2, 2)).max() == 0
    with pytest.raises(RequestError, match=r"holds \[1, 4, 8\]"):
        layer_map(read_layer("x"), torch.ones(1, 4, 8))


def test_pooling_averages_pixels_or_tokens() -> None:
    assert pooled(torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]]]])).tolist() == [2.0, 1.0]
    assert pooled(torch.tensor([[[1.0, 0.0], [3.0, 2.0]]])).tolist() == [2.0, 1.0]


def test_features_are_tiles_beside_sources_and_result(twice: Path) -> None:
    drawing = draw("features", NetworkRequest((str(twice),), "demo", weights="random"), Options())
    shown = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert [text for text in shown if text[0].isalpha()][:6] == [
        "Infrared", "Visible", "Fused", "First of a", "First of b", "Last",
    ]  # fmt: skip
    assert "Twice: random weights" in drawing.caption
    only = NetworkRequest((str(twice),), "demo", layers=("last",), weights="random")
    assert "First of a" not in draw("features", only, Options()).caption


def test_tsne_has_a_panel_for_each_group_and_a_point_for_each_pair(twice: Path) -> None:
    request = NetworkRequest((str(twice),), "demo", weights="random")
    drawing = draw("tsne", request, Options(sample=6))
    assert [axes.get_title() for axes in drawing.figure.axes] == ["both", "last"]
    assert [len(line.get_xdata()) for line in drawing.figure.axes[0].lines] == [6, 6]
    assert "6 pairs" in drawing.caption
    with pytest.raises(RequestError, match="t-SNE of 4 pairs"):
        draw("tsne", request, Options(sample=4))


def test_tsne_needs_layers_of_one_width_and_more_than_a_channel(twice: Path) -> None:
    features = {"wide": np.ones((6, 3)), "narrow": np.ones((6, 2))}
    with pytest.raises(RequestError, match=r"differ in channels .wide 3, narrow 2"):
        check_widths("both", features)
    with pytest.raises(RequestError, match="a single channel"):
        check_widths("both", {"narrow": np.ones((6, 1))})


def test_tsne_keeps_clusters_apart_and_is_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal(center, 0.1, (12, 5)) for center in (0, 10)]).astype(np.float32)
    places = tsne_embedding(vectors)
    np.testing.assert_array_equal(places, tsne_embedding(vectors))
    first, second = places[:12], places[12:]
    inside = max(np.ptp(first, axis=0).max(), np.ptp(second, axis=0).max())
    assert np.linalg.norm(first.mean(0) - second.mean(0)) > inside
