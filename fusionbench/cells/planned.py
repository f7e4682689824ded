"""One cell of a request: a method on a split, checked but not started."""

from __future__ import annotations

from dataclasses import dataclass

from fusionbench.config import MethodConfig
from fusionbench.data.noise_setting import SourceNoise
from fusionbench.data.pairs import Split
from fusionbench.registry.methods import MethodSpec


def row_name(method: str, setting: str, noise: SourceNoise | None = None) -> str:
    """Return what runs/ and tables call a method with its variants under a setting, which may be none, and noise."""
    told = "+".join(part for part in (setting, str(noise) if noise else "") if part)
    return f"{method}{'+' if '@' in method else '@'}{told}" if told else method


@dataclass(frozen=True)
class PlannedCell:
    """One method on one split, checked but not started.

    ``setting`` tells the cells of a sweep apart that differ in more than the method's name. ``noise`` is added to the
    sources before they are fused.
    """

    method: MethodSpec
    config: MethodConfig
    split: Split
    setting: str = ""
    noise: SourceNoise | None = None

    @property
    def name(self) -> str:
        """Return what runs/ and tables call the row: method, variants, setting and noise."""
        return row_name(self.method.name, self.setting, self.noise)

    @property
    def label(self) -> str:
        return f"{self.split.spec.name} · {self.name}"
