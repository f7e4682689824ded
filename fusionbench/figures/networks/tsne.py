"""Pooled features of many pairs in the plane by t-SNE (van der Maaten and Hinton 2008), a panel per group of layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fusionbench.data.images import load_pair
from fusionbench.errors import RequestError
from fusionbench.figures.drawing import Drawing, add_caption, legend_below, panel_figure
from fusionbench.figures.networks.features import pooled
from fusionbench.figures.networks.layers import Layer, watched
from fusionbench.figures.networks.request import Network, NetworkRequest, build_networks, find_pairs
from fusionbench.figures.options import Options
from fusionbench.figures.style import SMALL, looks
from fusionbench.types import Pair

if TYPE_CHECKING:
    from numpy import ndarray

PERPLEXITY, LEAST = 30.0, 5  # largest perplexity; smallest number of pairs
SEED = 0
PLOT, HEAD, ENTRY = 2.0, 0.55, SMALL * 1.42 / 72  # inches: axes, title and legend's place, a line of a legend


def draw(request: NetworkRequest, options: Options) -> Drawing:
    """Draw a point for each pair and layer. Raises RequestError for too few pairs, or layers of different widths."""
    split = find_pairs(request, options.data_root)
    networks = build_networks(request, split, options.data_root)
    if len(networks) > 1:
        raise RequestError(f"t-SNE shows one network, {len(networks)} were named: name one with --method.")
    network, pairs = networks[0], drawn_pairs(split.pairs, options.sample)
    groups = _groups(network.layers)
    features = features_of(network, pairs)
    figure, axes, _ = panel_figure(
        len(groups), options.width, PLOT + HEAD + max(map(len, groups.values())) * ENTRY, 1.7
    )
    for place, (group, layers) in zip(axes, groups.items(), strict=True):
        _panel(place, group, {layer.label: features[layer] for layer in layers})
    where = f"{split.spec.title}, {split.name} split"
    return Drawing(figure, add_caption(figure, _sentences(network, pairs, where), options.caption))


def drawn_pairs(pairs: Sequence[Pair], sample: int | None) -> list[Pair]:
    """Return all pairs, or ``sample`` of them chosen at random with a fixed seed. Raises RequestError if too few."""
    import numpy as np

    count = len(pairs) if sample is None else sample
    if not LEAST <= count <= len(pairs):
        raise RequestError(f"t-SNE of {count} pairs: {len(pairs)} are here, and it needs {LEAST} or more.")
    chosen = np.random.default_rng(SEED).choice(len(pairs), count, replace=False)
    return [pairs[i] for i in sorted(chosen.tolist())]


def features_of(network: Network, pairs: Sequence[Pair]) -> dict[Layer, ndarray]:
    """Return the features [pairs, channels] of each layer that is reached, averaged over its pixels or tokens."""
    import numpy as np

    from fusionbench.cells.fusing.forward import fuse_arrays

    rows: dict[Layer, list[ndarray]] = {}
    for pair in pairs:
        images = load_pair(pair)
        held = watched(network.method, network.layers, partial(fuse_arrays, network.method, [images], "cpu"))
        for layer in network.layers:
            if layer not in held:
                raise RequestError(
                    f"Layer '{layer.label}' ({layer.module}) was not reached: name another one."
                )
            rows.setdefault(layer, []).append(pooled(held[layer]).numpy())
    return {layer: np.stack(vectors) for layer, vectors in rows.items()}


def tsne_embedding(vectors: ndarray) -> ndarray:
    """Return the t-SNE embedding [rows, 2] of ``vectors`` [rows, channels]; the same rows give the same result."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=SEED).fit_transform(vectors)


def _groups(layers: Sequence[Layer]) -> dict[str, list[Layer]]:
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(layer.group, []).append(layer)
    return groups


def check_widths(group: str, features: Mapping[str, ndarray]) -> None:
    """Raise RequestError if the features [pairs, channels] of a group's layers cannot be embedded together."""
    widths = {label: vectors.shape[1] for label, vectors in features.items()}
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{label} {width}" for label, width in widths.items())
        raise RequestError(f"The layers of {group} differ in channels ({told}): name those of one width.")
    if set(widths.values()) == {1}:
        raise RequestError(
            f"The layers of {group} have a single channel, which t-SNE does not spread: name wider ones."
        )


def _panel(axes: Any, group: str, features: Mapping[str, ndarray]) -> None:
    import numpy as np

    check_widths(group, features)
    places = np.split(tsne_embedding(np.concatenate(list(features.values()))), len(features))
    for (label, look), points in zip(looks(features).items(), places, strict=True):
        axes.plot(
            *points.T, look.marker, markersize=2.5, markerfacecolor="none", markeredgecolor=look.color,
            markeredgewidth=0.6, label=label,
        )  # fmt: skip
    axes.set(title=group, xticks=[], yticks=[])
    legend_below(axes)


def _sentences(network: Network, pairs: Sequence[Pair], where: str) -> Iterator[str]:
    yield (
        f"t-SNE of features averaged over the pixels, {len(pairs)} pairs, a panel for each group of layers (perplexity "
        f"at most {PERPLEXITY:g}, started from the principal components, seed {SEED}). Distances between groups of "
        "points and their sizes mean nothing."
    )
    yield f"{network.weights}. {where}."
