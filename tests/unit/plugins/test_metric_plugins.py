"""Metrics of installed packages: found without importing, scored, and broken alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from packages import install, metric

from fusionbench.checks import find_subject, verdicts
from fusionbench.errors import PluginError, RequestError, UnknownNameError
from fusionbench.metrics import DEFAULT, cards, compute, resolve, score
from fusionbench.metrics.registry import problems

IMAGE = np.full((8, 8), 40, np.uint8)


def provide(site: Path, package: str, text: str) -> None:
    install(site, package, {"metrics": {package: f"{package}.measures"}}, {f"{package}/measures.py": text})


def failed(name: str) -> dict[str, str]:
    return {v.check: v.detail for v in verdicts(find_subject(name)) if v.outcome == "failed"}


def test_a_metric_is_found_unimported_and_scored_beside_others(site: Path) -> None:
    provide(site, "theirs", metric("Mean-Level"))
    assert cards()["Mean-Level"].range == (0, 255)
    assert resolve("mean_level,EN") == ["Mean-Level", "EN"]
    assert "Mean-Level" in resolve("all")
    assert resolve(None) == list(DEFAULT)
    assert "theirs.measures" not in sys.modules
    assert score(IMAGE, IMAGE, IMAGE, "mean_level,EN")["Mean-Level"].value == 40
    assert failed("mean-level") == {}


def test_what_is_uninstalled_is_gone(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provide(site, "theirs", metric("ML"))
    assert "ML" in cards()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(site)])
    assert "ML" not in cards()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("def (:\n", "SyntaxError"),
        (metric("ML", more=", colour=1"), "colour"),
        (metric("ML", more=", version=0"), "version is 0"),
        (metric("ML", more=", xfail={'direction': 1}"), "'the reason'"),
        (metric("all"), "not usable"),
        (metric("ML").replace("(0, 255)", "bounds()"), "ValueError"),
        (metric("ML").replace('"higher"', '"more"'), "'higher' or 'lower'"),
        (metric("ML").replace("(0, 255)", "(255, 0)"), "lowest, highest"),
    ],
)
def test_a_module_that_cannot_be_read_is_told_and_breaks_nothing(text: str, word: str, site: Path) -> None:
    provide(site, "broken", text)
    provide(site, "theirs", metric("Sound"))
    (said,) = problems()
    assert word in said
    assert "broken.measures of broken" in said
    assert score(IMAGE, IMAGE, IMAGE, "Sound,EN")["EN"].status == "ok"
    with pytest.raises(UnknownNameError, match=r"broken\.measures of broken"):
        resolve("MLX")


# the metric is the mean level, of which the check's dull image happens to have less
@pytest.mark.parametrize(("better", "outcome"), [("lower", "excused"), ("higher", "failed")])
def test_a_card_excuses_a_check_that_fails_with_a_reason(better: str, outcome: str, site: Path) -> None:
    text = metric("ML", more=", xfail={'direction': 'dull images score well'}")
    provide(site, "theirs", text.replace('"higher"', f'"{better}"'))
    verdict = next(v for v in verdicts(find_subject("ML")) if v.check == "direction")
    assert verdict.outcome == outcome
    assert "dull images score well" in verdict.detail


def test_an_entry_point_to_nowhere_is_told(site: Path) -> None:
    install(site, "gone", {"metrics": {"gone": "gone.measures"}}, {})
    assert "cannot be found" in problems()[0]
    assert resolve("EN") == ["EN"]


@pytest.mark.parametrize(
    ("returned", "word"),
    [
        ("Outcome(triple.fused.of(values).mean())", r"torch\.float64 \[\] for a batch of 1"),
        ("Outcome(triple.fused.of(values).mean((-2, -1)).float())", r"torch\.float32"),
        ("3.0", "returned float"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_a_metric_does_wrong_costs_its_own_values(returned: str, word: str, site: Path) -> None:
    provide(site, "theirs", metric("ML", returned))
    scores = score(IMAGE, IMAGE, IMAGE, "ML,EN")
    assert scores["EN"].status == "ok"
    assert scores["ML"].status == "failed"
    assert "theirs.measures" in scores["ML"].detail
    assert failed("ML").keys() >= {"dtype", "value_range"}
    import torch

    with pytest.raises(PluginError, match=word):
        compute(*[torch.zeros(1, 1, 4, 4, dtype=torch.uint8)] * 3, metrics="ML")


def test_a_metric_that_cannot_be_imported_costs_its_own_values(site: Path) -> None:
    provide(site, "theirs", "import no_such_package_of_anyone\n" + metric("ML"))
    scores = score(IMAGE, IMAGE, IMAGE, "ML,EN")
    assert (scores["ML"].status, scores["EN"].status) == ("failed", "ok")
    assert "no_such_package_of_anyone" in scores["ML"].detail
    assert "no_such_package_of_anyone" in failed("ML")["construction"]


def test_two_providers_of_a_name_are_both_named(site: Path) -> None:
    provide(site, "first", metric("ML"))
    provide(site, "second", metric("m_l") + "\n" + metric("ml").replace("mean_level", "again"))
    with pytest.raises(PluginError, match=r"first\.measures of first and second\.measures of second"):
        resolve("ML")
    with pytest.raises(PluginError, match="two providers"):
        find_subject("ml")
    assert resolve("m-l") == ["m_l"]


@pytest.mark.parametrize("kind", ["method", "metric", "dataset"])
def test_a_kind_without_a_name_is_told(kind: str) -> None:
    with pytest.raises(RequestError, match=f"'{kind}:' names no {kind}"):
        find_subject(f"{kind}:")


def test_a_built_in_metric_asked_for_by_name_has_no_rival_unnoticed(site: Path) -> None:
    provide(site, "theirs", metric("ssim"))
    with pytest.raises(PluginError, match=r"fusionbench itself and theirs\.measures of theirs"):
        resolve("SSIM")
    assert resolve(None) == list(DEFAULT)
    assert score(IMAGE[:, :4], IMAGE[:, :4], IMAGE[:, :4])["SSIM"].status == "undefined"


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("value_range", metric("ML", more="").replace("(0, 255)", "(0, 1)")),
        (
            "direction",
            metric("ML", "Outcome(-triple.fused.of(values).std((-2, -1)))").replace("(0, 255)", "(None, 0)"),
        ),
        ("finite_or_undefined", metric("ML", "Outcome(1 / triple.fused.of(values).sum((-2, -1)) * 0)")),
        (
            "batch_independent",
            metric("ML", "Outcome(triple.fused.of(values).mean().expand(len(triple.fused.levels)))"),
        ),
        ("symmetric", metric("ML", "Outcome(triple.a.of(values).mean((-2, -1)))", ", symmetric=True")),
        ("card", metric("ML").replace('doi=""', 'doi="https://doi.org/10.1/x"')),
        ("inputs_untouched", metric("ML", "Outcome(triple.fused.levels.fill_(7).double().mean((-2, -1)))")),
        ("any_size", metric("ML", "Outcome(triple.fused.of(values)[:, 5:, 5:].mean((-2, -1)))")),
        (
            "deterministic",
            "import torch\n"
            + metric("ML", "Outcome(torch.rand(len(triple.fused.levels), dtype=torch.float64))"),
        ),
    ],
)
def test_each_check_finds_what_it_is_there_for(check: str, text: str, site: Path) -> None:
    provide(site, "theirs", text)
    assert check in failed("ML")
