"""Feature maps of a network's layers while it fuses a pair, beside the sources and the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.data.images import eight_bit, load_pair, read_image
from fusionbench.errors import RequestError
from fusionbench.figures.drawing import Drawing
from fusionbench.figures.images.pictures import Tile
from fusionbench.figures.images.tiles import Block, draw_grid
from fusionbench.figures.networks.layers import Layer, watched
from fusionbench.figures.networks.request import (
    Network,
    NetworkRequest,
    build_networks,
    chosen_pairs,
    find_pairs,
)
from fusionbench.figures.options import Options
from fusionbench.types import Pair

if TYPE_CHECKING:
    from numpy import ndarray
    from torch import Tensor

IMAGES = 2  # default number of pairs
COLORS = "viridis"  # perceptually uniform, in gray print too


def draw(request: NetworkRequest, options: Options) -> Drawing:
    """Draw a row of tiles for each pair and method. Raises the errors of `find_pairs`, `build_networks` and `layer_map`."""
    split = find_pairs(request, options.data_root)
    networks = build_networks(request, split, options.data_root)
    pairs = chosen_pairs(split, options.images, IMAGES)
    labels = list(dict.fromkeys(layer.label for network in networks for layer in network.layers))
    blocks = [
        _block(pair, network, labels, split.spec.a, split.spec.b, len(networks) > 1)
        for pair in pairs
        for network in networks
    ]
    return draw_grid(blocks, _sentences(networks, pairs, f"{split.spec.title}, {split.name} split"), options)


def _block(pair: Pair, network: Network, labels: Sequence[str], a: str, b: str, several: bool) -> Block:
    from fusionbench.cells.fusing.forward import fuse_arrays

    images, results = load_pair(pair), []
    held = watched(
        network.method, network.layers, lambda: results.extend(fuse_arrays(network.method, [images], "cpu"))
    )
    maps = {layer.label: layer_map(layer, features) for layer, features in held.items()}
    height, width = images.a.shape
    tiles = [
        Tile(_capital(a), eight_bit(read_image(pair.a))),
        Tile(_capital(b), eight_bit(read_image(pair.b))),
        Tile("Fused", results[0]),
        *(Tile(label, _colored(maps[label], (height, width)) if label in maps else None) for label in labels),
    ]
    return Block(f"{pair.id} · {network.title}" if several else pair.id, tuple(tiles), (), (height, width))


def layer_map(layer: Layer, features: Tensor) -> ndarray:
    """Return the mean magnitude over the channels of ``features`` [1, C, H, W], scaled to [0, 1], as [H, W].

    Raises RequestError for features of another shape.
    """
    import numpy as np

    if features.ndim != 4:
        raise RequestError(
            f"Layer '{layer.label}' holds {list(features.shape)} and no map of [batch, channels, height, width]: name "
            "a layer that does."
        )
    strength = features[0].abs().mean(0).numpy().astype(np.float64)
    low, high = strength.min(), strength.max()
    return (strength - low) / (high - low) if high > low else np.zeros_like(strength)


def _colored(levels: ndarray, size: tuple[int, int]) -> ndarray:
    """Return a map in colors, uint8 [H, W, 3], enlarged to ``size`` (H, W) by nearest neighbors."""
    import matplotlib
    import numpy as np

    rows, columns = (np.arange(full) * part // full for full, part in zip(size, levels.shape, strict=True))
    enlarged = levels[rows][:, columns]
    return (matplotlib.colormaps[COLORS](enlarged)[..., :3] * 255).round().astype(np.uint8)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _sentences(networks: Sequence[Network], pairs: Sequence[Pair], where: str) -> Iterator[str]:
    yield (
        f"Features of {'; '.join(network.weights for network in networks)}. Each map: mean magnitude over the channels, "
        "from its least (dark) to its largest value (bright), enlarged to the size of the images."
    )
    places = dict.fromkeys((layer.label, _place(layer)) for network in networks for layer in network.layers)
    yield f"Layers: {', '.join(f'{label} ({place})' for label, place in places)}."
    if len({layer for network in networks for layer in network.layers}) > len(networks[0].layers) or any(
        len(network.layers) < len(places) for network in networks
    ):
        yield "A gray tile: the network has no such layer."
    yield f"{where}: {', '.join(pair.id for pair in pairs)}."


def _place(layer: Layer) -> str:
    side = f" input {layer.item + 1}" if layer.of_input else f" output {layer.item + 1}" if layer.item else ""
    call = f", call {layer.call}" if layer.call > 1 else ""
    return f"{layer.module}{side}{call}"


def pooled(features: Tensor) -> Any:
    """Return the mean over the pixels of [1, C, H, W], or over the tokens of [1, N, C], as [C]."""
    return features[0].mean((1, 2)) if features.ndim == 4 else features[0].mean(0)
