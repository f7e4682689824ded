"""The script that times metrics: its plain implementations mean what ours mean, and it prints what it measures."""

import importlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from fusionbench.metrics import DEFAULT, score

PERF = Path(__file__).resolve().parents[2] / "benchmarks/perf"
CLAIMED = runpy.run_path(str(PERF / "compared.py"))["CLAIMED"]
SIZE = (176, 164)


@pytest.fixture(scope="module")
def timing():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PERF)
        yield importlib.import_module("metrics_timing")


def run(*options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "error", str(PERF / "metrics.py"), *options]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    )


def test_each_metric_whose_speed_is_claimed_has_a_plain_implementation(timing):
    assert timing.PLAIN.keys() == set(CLAIMED)
    assert len(CLAIMED) == 22


@pytest.mark.parametrize("name", CLAIMED)
def test_plain_equals_canonical(timing, name):
    images = timing.triple(SIZE)
    result = score(*images, [name])[name]
    assert timing.PLAIN[name](*images) == pytest.approx(result.value, rel=1e-9, abs=0)


@pytest.mark.parametrize("name", ["VIF", "SSIM"])
def test_plain_separable_equals_full(timing, name):
    images = timing.triple(SIZE)
    full, separable = (
        timing.VARIANTS[f"plain, {title} windows"][name](*images) for title in ("full 2-D", "separable")
    )
    assert separable == pytest.approx(full, rel=1e-9, abs=0)


def test_difference_sees_another_value(timing):
    results = {"kept": {"EN": 2.0, "SD": 4.0}, "plain": {"EN": 2.0, "SD": 5.0}}
    assert timing.difference(results) == 0.25


def test_slow_calls_stop_at_the_fewest_repeats(timing):
    made = []
    costs = timing.in_turns({"a": lambda: made.append("a"), "b": lambda: made.append("b")}, 9, patience=0.0)
    assert (costs.repeats, made) == (timing.FEWEST, ["a", "b"] * timing.FEWEST)


def test_quick_calls_are_repeated_beyond_what_is_asked(timing):
    costs = timing.in_turns({"a": lambda: sum(range(20_000))}, 1, timing.PATIENCE)
    assert costs.repeats > 1
    assert costs.seconds["a"] > 0


def test_throughput_runs_on_any_device(timing):
    assert timing.triples_per_second(SIZE, "cpu", repeats=1) > 0


@pytest.mark.slow
def test_script_prints_every_asked_metric_and_the_set():
    completed = run("--size", "176x164", "--metrics", "en,VIF", "--repeats", "1")
    assert (completed.returncode, completed.stderr) == (0, "")
    lines = [line.split("  ")[0].strip() for line in completed.stdout.splitlines()]
    assert {"EN", "VIF", "the set of 10, plain, full 2-D windows"} < set(lines)
    assert "SSIM" not in lines
    assert "88x82" in completed.stdout
    assert "352x328" in completed.stdout
    assert "GPU: there is none here" in completed.stdout


@pytest.mark.slow
def test_script_prints_json_alone():
    completed = run("--size", "176x164", "--metrics", "SSIM", "--repeats", "1", "--no-plain", "--json")
    report = json.loads(completed.stdout)
    rows = report["costs"]["176x164"]
    assert rows.keys() == {"SSIM", f"the set of {len(DEFAULT)}"}
    assert "plain" not in rows["SSIM"]
    assert rows["SSIM"]["cold"] > 0
    assert rows["SSIM"]["kept"] > 0
    assert report["growth"].keys() == {"cold", "kept"}
    assert report["gpu"] is None


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--size", "160x480", "at least 161 pixels"),
        ("--size", "large", "no size like 640x480"),
        ("--metrics", "VIG", "VIG"),
        ("--repeats", "0", "at least 1"),
    ],
)
def test_script_refuses(timing, monkeypatch, capsys, option, value, says):
    script = runpy.run_path(str(PERF / "metrics.py"))
    monkeypatch.setattr(sys, "argv", ["metrics.py", option, value])
    with pytest.raises(SystemExit) as stopped:
        script["main"]()
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err
