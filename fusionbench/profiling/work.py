"""Work of a network by kind of operation, from which `fusionbench.profiling.explaining` computes tools' counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from fusionbench.method import FusionMethod
from fusionbench.profiling.counts import example

ACTIVATIONS = (
    "relu",
    "leaky_relu",
    "gelu",
    "silu",
    "sigmoid",
    "tanh",
    "elu",
    "hardtanh",
    "prelu",
    "softplus",
)
NORMS = {
    "native_batch_norm": "batch_norm",
    "_native_batch_norm_legit_no_training": "batch_norm",
    "native_layer_norm": "layer_norm",
    "native_group_norm": "group_norm",
}
LAYERS = (nn.modules.conv._ConvNd, nn.Linear)


class _Operations(TorchDispatchMode):
    """Sums the work of all operations; ``layer`` is the layer that runs, None for plain functions."""

    def __init__(self) -> None:
        super().__init__()
        self.work: Counter[str] = Counter()
        self.layer: nn.Module | None = None
        self.attending = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.attending:  # `_Attention` counts it as a whole
            self._add(func.overloadpacket.__name__, args, result)
        return result

    def _add(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        if name == "convolution":
            self._convolution(args, result)
        elif name in ("mm", "addmm", "bmm", "baddbmm"):
            left = args[1] if name in ("addmm", "baddbmm") else args[0]
            kind = "linear" if isinstance(self.layer, nn.Linear) else "matmul"
            self.work[kind] += result.numel() * left.shape[-1]
        elif name in NORMS:
            self.work[NORMS[name]] += args[0].numel()
        elif name.rstrip("_") in ACTIVATIONS:
            self.work["activation"] += args[0].numel()
        elif name.startswith("upsample_bilinear2d"):
            self.work["bilinear"] += result.numel()

    def _convolution(self, args: tuple[Any, ...], result: Tensor) -> None:
        image, weight, bias, transposed = args[0], args[1], args[2], args[6]
        kind = "conv" if self.layer is not None else "conv_function"
        macs = result.numel() * weight[0].numel()
        if transposed:  # each input value is multiplied once with each weight of its kernels
            kind, macs = "transposed", image.numel() * weight[0].numel()
            places = result.shape[0] * math.prod(result.shape[2:])
            self.work["transposed_by_output"] += places * weight.numel()
        self.work[kind] += macs
        self.work[f"{kind}_bias"] += 0 if bias is None else result.numel()


class _Attention(TorchFunctionMode):
    """Counts the MACs of scaled dot-product attention as a whole, whichever kernel computes it."""

    def __init__(self, operations: _Operations) -> None:
        super().__init__()
        self.operations = operations

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is not nn.functional.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        query, key, value = args[:3]
        pairs = math.prod(query.shape[:-1]) * key.shape[-2]
        self.operations.work["attention"] += pairs * (query.shape[-1] + value.shape[-1])
        self.operations.attending = True
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.operations.attending = False


def work_of(module: nn.Module, *inputs: Tensor, call: Callable[..., Any] | None = None) -> Counter[str]:
    """Run a module once and return its work by kind.

    ``conv``, ``conv_function`` (a convolution by a function, not a layer), ``transposed``, ``linear``, ``matmul`` and
    ``attention`` are MACs; ``..._bias`` are additions; the other kinds are numbers of elements. ``linear_per_image`` is
    the number of parameters of linear layers times the batch size, however many tokens they process.
    """
    operations = _Operations()
    with ExitStack() as stack:
        for layer in module.modules():
            if isinstance(layer, LAYERS):
                stack.callback(layer.register_forward_pre_hook(_enter(operations)).remove)
                stack.callback(layer.register_forward_hook(_leave(operations)).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(operations)
        stack.enter_context(_Attention(operations))
        (call or module)(*inputs)
    return operations.work


def _enter(operations: _Operations) -> Callable[..., None]:
    def enter(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        operations.layer = layer

    return enter


def _leave(operations: _Operations) -> Callable[..., None]:
    def leave(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        operations.layer = None
        if isinstance(layer, nn.Linear):
            own = sum(parameter.numel() for parameter in layer.parameters())
            operations.work["linear_per_image"] += own * inputs[0].shape[0]
            operations.work["linear_bias"] += 0 if layer.bias is None else output.numel()

    return leave


def method_work(method: FusionMethod, height: int, width: int) -> Counter[str]:
    """Return the work of one ``fuse`` of a pair, with sides rounded up to the method's multiple."""
    return work_of(method.eval(), *example(method, height, width), call=method.fuse)
