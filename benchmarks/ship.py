"""Put trained weights beside their method, in half precision, as they are committed.

python benchmarks/ship.py WEIGHTS.safetensors refinefuse ir-vis --stands-for "{}"
python benchmarks/ship.py WEIGHTS.safetensors csp_mcin sar-opt --stands-for "{}" --label semantic=none --without .fc.

WEIGHTS is what `fusionbench train` wrote, its JSON beside it. The name after the method is the file's, to be named in
the card. ``--stands-for`` gives other constructor arguments, as JSON, that the weights are offered for: those of the
plain reference, where they were trained with a variant's loss; ``--label`` is what every row with these weights then
adds to the method's title. ``--without`` leaves out tensors whose name holds the text: what nothing reads.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor

from fusionbench.files import write_json, write_through
from fusionbench.providers import share
from fusionbench.weights.checkpoints import file_hash

LARGEST = 80_000_000  # bytes of one file


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with floating-point values in half precision; counters stay as they are."""
    return {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def ship(
    source: Path, target: Path, stands_for: dict[str, Any] | None, label: str = "", without: str | None = None
) -> None:
    """Write ``target`` and the JSON beside it. Raises SystemExit where a value is lost or the file is too large."""
    state = halved(load_file(source))
    state = {name: tensor for name, tensor in state.items() if without is None or without not in name}
    if lost := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise SystemExit(f"{lost[0]} has values beyond half precision: ship it in full.")
    content = save(state)
    if len(content) > LARGEST:
        raise SystemExit(f"{target.name} would have {len(content):,} bytes, more than {LARGEST:,}.")
    about = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))
    target.parent.mkdir(exist_ok=True)
    write_through(target, lambda partial: partial.write_bytes(content))
    about |= {"precision": "float16", "bytes": len(content), "sha256": file_hash(target)}
    if stands_for is not None:
        about["stands_for"] = stands_for
    if label:
        about["label"] = label
    write_json(target.with_suffix(".json"), about)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("method")
    parser.add_argument("name")
    parser.add_argument("--stands-for", type=json.loads)
    parser.add_argument("--label", default="")
    parser.add_argument("--without")
    arguments = parser.parse_args()
    target = share("methods") / arguments.method / "weights" / f"{arguments.name}.safetensors"
    ship(arguments.weights, target, arguments.stands_for, arguments.label, arguments.without)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
