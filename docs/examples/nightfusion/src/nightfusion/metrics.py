"""DRU: how much of the range of levels a fused image uses."""

from __future__ import annotations

import torch

from fusionbench.metrics import metric
from fusionbench.metrics.image_cache import Outcome, Triple, values


@metric(
    name="DRU",
    title="Dynamic range used",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="difference of the 99 % and the 1 % quantile of the fused image's levels, over 255",
    doi="",
    symmetric=True,
)
def dynamic_range_used(triple: Triple) -> Outcome:
    """Measure how far the levels reach, a percent at either end left out."""
    levels = triple.fused.of(values).flatten(1)
    ends = torch.tensor([0.01, 0.99], dtype=torch.float64, device=levels.device)
    low, high = levels.quantile(ends, dim=1)
    return Outcome((high - low) / 255)
