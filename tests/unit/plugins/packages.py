"""Write packages as pip would leave them: modules, and a dist-info folder with entry points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

METHOD = """
from fusionbench.method import FusionMethod
CARD = {{"title": "{title}", "kind": "classical", "families": ["ir-vis"]}}

class {title}(FusionMethod):
    families = frozenset({{"ir-vis"}})
    def fuse(self, a, b):
        return {fused}
"""
METRIC = '''
from fusionbench.metrics import metric
from fusionbench.metrics.image_cache import Outcome, values

@metric(name="{name}", title="Mean level", better="higher", unit="level", range=(0, 255), convention="mean", doi=""{more})
def mean_level(triple):
    """Return the mean level of the fused image."""
    return {returned}
'''
MEAN = "Outcome(triple.fused.of(values).mean((-2, -1)))"
DATASET = """
title: A yard at night
family: ir-vis
a: infrared
b: visible
folder: {folder}
splits: {{test: {{a: ir/*, b: vi/*, count: 2}}}}
licence: CC0
citation: "@misc{{yard, title = {{A yard}}}}"
url: https://example.org
quirks: none
"""


def install(
    site: Path, package: str, points: Mapping[str, Mapping[str, str]], files: Mapping[str, str]
) -> None:
    """Install a package into the folder ``site``: entry points by group, texts by file name."""
    about = site / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = []
    for group, entries in points.items():
        lines += [f"[fusionbench.{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (about / "entry_points.txt").write_text("\n".join([*lines, ""]))
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def method(title: str = "Sound", fused: str = "a") -> str:
    return METHOD.format(title=title, fused=fused)


def metric(name: str, returned: str = MEAN, more: str = "") -> str:
    return METRIC.format(name=name, returned=returned, more=more)
