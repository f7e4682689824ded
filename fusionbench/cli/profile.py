"""``fusionbench profile``: size and cost of methods."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from fusionbench.cli.options import Device, Json, Method, Overrides
from fusionbench.cli.outcome import comma_list, guarded, print_json
from fusionbench.errors import RequestError


def register(app: typer.Typer) -> None:
    app.command("profile")(profile)


@guarded
def profile(
    method: Method,
    overrides: Overrides = None,
    size: Annotated[str, typer.Option(help="Image sizes WIDTHxHEIGHT, comma-separated.")] = "256x256",
    device: Device = "auto",
    seconds: Annotated[float, typer.Option(help="How long to time each size.")] = 2.0,
    json: Json = False,
) -> None:
    """Print parameters, multiply-accumulates, latency and memory."""
    from fusionbench.profiling import profile as measure
    from fusionbench.provenance import device_name
    from fusionbench.registry import spec
    from fusionbench.runner.device import pick_device
    from fusionbench.runner.plan import METHOD_GROUPS, group_members

    sizes = [_size(text) for text in comma_list(size)]
    names = [n for m in comma_list(method) for n in (group_members(m) if m in METHOD_GROUPS else [m])]
    place = pick_device(device)
    found = {}
    for name in dict.fromkeys(names):
        method_spec = spec(name)
        config = method_spec.config(tuple(overrides or ()))
        found[method_spec.name] = measure(method_spec, config.args, sizes, place, seconds)
    if json:
        print_json(found)
    else:
        _show(found, device_name(place))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text.lower())
    if not match or not all(int(side) for side in match.groups()):
        raise RequestError(f"Size '{text}' is not WIDTHxHEIGHT: write for example 256x256.")
    return int(match[1]), int(match[2])


def _show(found: dict[str, dict[str, Any]], hardware: str) -> None:
    print(f"{'method':<24} {'size':<10} {'params':>12} {'GMACs':>9} {'median ms':>10}")
    for name, row in found.items():
        for size, count in row["macs"].items():
            median = row["latency_ms"][size]["median"]
            print(f"{name:<24} {size:<10} {row['params']:>12,} {count / 1e9:>9.3f} {median:>10.2f}")
    print(f"Batch 1 on {hardware}; MACs as each method's card counts them.")
