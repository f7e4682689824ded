"""The step of a sweep that trains downstream networks on its fused images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from fusionbench.downstream.division import Division
from fusionbench.downstream.recipes import Task, TaskNetwork
from fusionbench.downstream.run import DownstreamOptions, check_request
from fusionbench.downstream.units import Protocol
from fusionbench.runs.plan import DEFAULT_BASELINES
from fusionbench.runs.run import RunOptions
from fusionbench.runs.sweep import DownstreamStep, Sweep, row_order


def task_options(sweep: Sweep, runs: Sequence[RunOptions]) -> Iterator[DownstreamOptions]:
    """Yield the options of the downstream call for each data set; device, folder and limits are the first run's."""
    step, first = _step(sweep), runs[0]
    rows = [name for name in row_order(sweep) if name not in sweep.datasets]
    methods = tuple(dict.fromkeys([*rows, *(DEFAULT_BASELINES if sweep.baselines else ())]))
    for name in sweep.datasets:
        yield DownstreamOptions(
            task=cast(Task, step.task),
            dataset=name,
            runs=(first.out,),
            split=sweep.split,
            method=methods,
            network=step.network,
            protocol=cast(Protocol, step.protocol),
            seeds=tuple(step.seeds),
            division=step.division,
            limit=sweep.limit,
            device=first.device,
            data_root=first.data_root,
            jobs=first.jobs,
            timeout=first.timeout,
            memory_limit=first.memory_limit,
            fresh=first.fresh,
            overrides=tuple(f"{key}={value}" for key, value in step.set.items()),
        )


@dataclass(frozen=True)
class Step:
    """The downstream call for one data set of a sweep, with its network and its division."""

    options: DownstreamOptions
    network: TaskNetwork
    division: Division

    def __str__(self) -> str:
        division, asked = self.division, self.options
        return (
            f"Then {division.spec.name}: {len(asked.method)} rows, {len(asked.seeds)} seeds, {asked.protocol} to {asked.task} with "
            f"{self.network.title}; {len(division.train)} pairs to train and {len(division.test)} to test ({division.note})."
        )


def planned_steps(sweep: Sweep, runs: Sequence[RunOptions]) -> list[Step]:
    """Return the steps of a sweep, checked before anything is fused. Raises what `check_request` raises."""
    return [Step(options, *check_request(options)) for options in task_options(sweep, runs)]


def with_train_split(sweep: Sweep, runs: Sequence[RunOptions], steps: Sequence[Step]) -> list[RunOptions]:
    """Return the runs of a sweep, and those of the train split if an official division trains networks on it."""
    apart = sorted({step.division.train_split for step in steps} - {sweep.split})
    return [*runs, *(replace(run, split=split, metrics="EN") for split in apart for run in runs)]


def _step(sweep: Sweep) -> DownstreamStep:
    return sweep.downstream or DownstreamStep()
