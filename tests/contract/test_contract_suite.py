"""The contract suite finds what it is there to find: one broken method for each check."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.checks import run_checks
from fusionbench.registry.methods import spec

HEAD = """
from typing import ClassVar
import torch
from fusionbench.method import FusionMethod

class Broken(FusionMethod):
    families: ClassVar = frozenset({families})
    calls = 0
    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1)) if {unused} else None
        self.used = torch.nn.Parameter(torch.zeros(1))
    def losses(self, batch):
        return {{"mean": (self.fuse(batch.a, batch.b) + self.used).mean()}}
    def fuse(self, a, b):
        {body}
"""
ALL = '["ir-vis", "medical", "sar-opt"]'


@pytest.mark.parametrize(
    ("check", "body", "families", "unused"),
    [
        ("families", "return b", '["infra"]', False),
        ("families", "return b", "()", False),
        ("shape", "return b[..., 1:]", ALL, False),
        ("shape", "return 'text'", ALL, False),
        ("any_size", "raise SystemExit(0)", ALL, False),
        ("value_range", "return a + b", ALL, False),
        ("value_range", "return a / (a + b)", ALL, False),
        ("deterministic", "return torch.rand_like(a)", ALL, False),
        ("batch_independent", "return (a - a.mean()).clamp(0, 1)", ALL, False),
        ("inputs_untouched", "return a.mul_(0.5)", ALL, False),
        ("any_size", "return torch.nn.functional.interpolate(a[..., ::2, ::2], scale_factor=2)", ALL, False),
        ("learns", "return b", ALL, True),
    ],
)
def test_finds_a_broken_method(check: str, body: str, families: str, unused: bool, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text(HEAD.format(body=body, families=families, unused=unused))
    verdicts = {v.check: v for v in run_checks(spec(str(path)))}
    assert verdicts[check].outcome == "failed"
    assert all((verdicts[check].about, verdicts[check].detail, verdicts[check].remedy))


def test_nan_is_told_as_such_and_not_as_chance_or_dependence(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text(HEAD.format(body="return a / 0 * 0", families=ALL, unused=False))
    verdicts = {v.check: v for v in run_checks(spec(str(path)))}
    assert verdicts["value_range"].outcome == "failed"
    for check in ("deterministic", "batch_independent"):
        assert (verdicts[check].outcome, verdicts[check].detail) == (
            "skipped",
            "not applicable: fuse returned NaN or infinity",
        )


def test_a_constructor_that_leaves_python_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "leaving.py"
    text = HEAD.format(body="return a", families=ALL, unused=False)
    path.write_text(text.replace("super().__init__()", "raise SystemExit(3)"))
    (verdict,) = run_checks(spec(str(path)))
    assert (verdict.check, verdict.outcome) == ("construction", "failed")
    assert "SystemExit: 3" in verdict.detail


def test_accepts_a_sound_method(tmp_path: Path) -> None:
    path = tmp_path / "sound.py"
    path.write_text(HEAD.format(body="return (a + b) / 2", families=ALL, unused=False))
    assert {v.outcome for v in run_checks(spec(str(path)))} <= {"passed", "skipped"}


def test_an_excuse_that_is_no_longer_needed_fails(tmp_path: Path) -> None:
    path = tmp_path / "excused.py"
    card = f'CARD = {{"title": "x", "kind": "learned", "families": {ALL}, "xfail": {{"shape": "old"}}}}\n'
    path.write_text(card + HEAD.format(body="return (a + b) / 2", families=ALL, unused=False))
    verdicts = {v.check: v for v in run_checks(spec(str(path)))}
    assert verdicts["shape"].outcome == "failed"
    assert "remove" in verdicts["shape"].remedy
