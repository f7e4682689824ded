"""Requests for figures of features: methods with their weights, and the pairs that they fuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.cells.planned import PlannedCell, RunOptions
from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.figures.networks.layers import Layer, check_layers, layers_of
from fusionbench.registry.method_spec import check_family
from fusionbench.registry.methods import spec
from fusionbench.types import Pair

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod


@dataclass(frozen=True)
class NetworkRequest:
    """Names of methods, a data set and layers; ``weights`` is auto, random or a file, ``out`` the folder of runs."""

    methods: tuple[str, ...]
    dataset: str
    split: str = "test"
    layers: tuple[str, ...] = ()
    weights: str = "auto"
    out: Path = Path("runs")
    seed: int = 0


@dataclass(frozen=True)
class Network:
    """A method in eval mode, its layers, and a caption's sentence on its weights."""

    name: str
    title: str
    method: FusionMethod
    layers: tuple[Layer, ...]
    weights: str


def find_pairs(request: NetworkRequest, data_root: str | None) -> Split:
    """Return the requested pairs. Raises UnknownNameError for an unknown data set, and the errors of `find_split`."""
    return find_split(dataset(request.dataset), request.split, data_root)


def build_networks(request: NetworkRequest, split: Split, data_root: str | None) -> list[Network]:
    """Return each requested method with its weights.

    Raises RequestError without a method, UnknownNameError for an unknown one, WeightsError without usable weights.
    """
    if not request.methods:
        raise RequestError("Name the network: --method NAME, or several with commas.")
    return [_build(reference, request, split, data_root) for reference in request.methods]


def _build(reference: str, request: NetworkRequest, split: Split, data_root: str | None) -> Network:
    import torch

    from fusionbench.cells.progress import Reporter
    from fusionbench.cells.weights import prepare_weights

    method_spec = spec(reference)
    method_spec.require_class()
    check_family(method_spec, split.spec.name, split.spec.family)
    cell = PlannedCell(method_spec, method_spec.config((), split.spec.name), split)
    torch.manual_seed(request.seed)
    method = method_spec.build(cell.config.args)
    options = RunOptions(
        (reference,),
        (request.dataset,),
        weights=request.weights,
        out=request.out,
        data_root=data_root,
        seed=request.seed,
        device="cpu",
        no_train=True,
    )
    weights = prepare_weights(cell, method, options, Reporter())
    layers = check_layers(method, layers_of(method_spec.card, request.layers))
    variant = method_spec.name.partition("@")[2]
    title = f"{method_spec.card.title} @{variant}" if variant else method_spec.card.title
    return Network(method_spec.name, title, method, tuple(layers), f"{title}: {weights.source} weights")


def chosen_pairs(split: Split, ids: Sequence[str], count: int) -> list[Pair]:
    """Return the pairs with these ids, or the first ``count``. Raises UnknownNameError for an unknown id."""
    known = {pair.id: pair for pair in split.pairs}
    for name in ids:
        if name not in known:
            raise UnknownNameError(f"image of {split.spec.title}", name, list(known))
    return [known[name] for name in dict.fromkeys(ids)] if ids else list(split.pairs[:count])
