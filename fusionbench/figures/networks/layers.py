"""Choice of a network's layers, and reading their features while a pair is fused.

A layer is written as the dotted path of a module, such as ``network.fusions.0``, then ``:in1`` for its second input or
``:out1`` for the second of several outputs (both count from 0), then ``#2`` for its second call within one fusion. A
method's card names the layers that its paper draws: ``layers: {GROUP: {LABEL: PLACE}}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.registry.cards import Card

if TYPE_CHECKING:
    from torch import Tensor, nn

_PLACE = re.compile(r"(?P<module>[A-Za-z_][\w.]*)(?::(?P<side>in|out)(?P<item>\d+))?(?:#(?P<call>[1-9]\d*))?")


@dataclass(frozen=True)
class Layer:
    """An input or output of a module; figures call it ``label`` in ``group``. ``item`` counts from 0, ``call`` from 1."""

    group: str
    label: str
    module: str
    of_input: bool
    item: int
    call: int


def read_layer(place: str, label: str = "", group: str = "") -> Layer:
    """Return the layer written as described above. Raises RequestError if the text cannot be parsed."""
    parts = _PLACE.fullmatch(place.strip())
    if parts is None:
        raise RequestError(
            f"Layer '{place}' cannot be read: write network.encoder, network.fusion:in0 or network.fusion:out1#2."
        )
    return Layer(
        group or place, label or place, parts["module"], parts["side"] == "in", int(parts["item"] or 0),
        int(parts["call"] or 1),
    )  # fmt: skip


def layers_of(card: Card, asked: Sequence[str]) -> list[Layer]:
    """Return the layers requested by group, label or place; without a request all layers of the card.

    Raises RequestError if none is requested and the card names none, or if one cannot be parsed.
    """
    known = [
        read_layer(place, label, group)
        for group, places in card.layers.items()
        for label, place in places.items()
    ]
    if not asked:
        if not known:
            raise RequestError(
                f"The card of {card.title} names no layers: give --layers MODULE, such as network.encoder."
            )
        return known
    chosen: list[Layer] = []
    for name in asked:
        named = [
            layer for layer in known if name.casefold() in (layer.group.casefold(), layer.label.casefold())
        ]
        chosen += named or [read_layer(name)]
    return list(dict.fromkeys(chosen))


def check_layers(network: nn.Module, layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers whose modules the network has. Raises UnknownNameError if it has none of them."""
    modules = dict(network.named_modules())
    present = [layer for layer in layers if layer.module in modules]
    if not present:
        raise UnknownNameError("module", layers[0].module, [name for name in modules if name])
    return present


def watched(network: nn.Module, layers: Sequence[Layer], fuse: Callable[[], Any]) -> dict[Layer, Tensor]:
    """Call ``fuse`` and return the layers' features as float32 on the CPU; layers that were not reached are absent."""
    features: dict[Layer, Tensor] = {}
    modules = dict(network.named_modules())
    hooks = [
        modules[name].register_forward_hook(
            _Watch([layer for layer in layers if layer.module == name], features)
        )
        for name in dict.fromkeys(layer.module for layer in layers)
        if name in modules
    ]
    try:
        fuse()
    finally:
        for hook in hooks:
            hook.remove()
    return features


class _Watch:
    """A forward hook that copies a module's inputs and outputs at the requested calls."""

    def __init__(self, layers: Sequence[Layer], features: dict[Layer, Tensor]) -> None:
        self.layers, self.features, self.calls = layers, features, 0

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        self.calls += 1
        for layer in self.layers:
            if layer.call == self.calls:
                held = list(_tensors(inputs if layer.of_input else output))
                if layer.item >= len(held):
                    raise RequestError(
                        f"Layer '{layer.label}': {layer.module} has {len(held)} such tensors, counted from 0."
                    )
                # copied at once, because a network may empty its lists while it runs
                self.features[layer] = held[layer.item].detach().float().cpu()


def _tensors(value: Any) -> Iterator[Tensor]:
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
