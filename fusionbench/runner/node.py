"""What a machine of a cluster does with one job: the same as the driver's own machine would."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionbench.data.pairs import data_root
from fusionbench.errors import FusionbenchError, OutputError
from fusionbench.runner.job import Job, Limits, Message
from fusionbench.runner.local import run_local
from fusionbench.runner.outcome import CellResult
from fusionbench.runner.parcel import Parcel, pack_results, unpack
from fusionbench.runner.plan import PlanError
from fusionbench.runner.weights import choose


@dataclass(frozen=True)
class Errand:
    """A job on its way to a machine.

    ``token`` is a file that the driver has put into its runs folder: who sees it shares the folder. ``weights``
    is the hash of those the driver has chosen, None where it has none. ``parcel`` holds what a machine without
    the folder needs from it; None: not asked for yet.
    """

    job: Job
    limits: Limits
    token: Path
    weights: str | None
    parcel: Parcel | None = None


def run_errand(errand: Errand) -> Message:
    """Do the job and say what came of it.

    Returns ("result", CellResult with its path below the runs folder, files to be taken in), ("apart",) where
    the folder is not shared and no parcel came along, or ("unavailable" | "problems" | "unwritable", reason).
    """
    try:
        if errand.token.exists():
            return "result", _run(errand.job, errand), {}
        if errand.parcel is None:
            return ("apart",)
        return _run_apart(errand, errand.parcel)
    except PlanError as error:
        return "problems", str(error)
    except OutputError as error:
        return "unwritable", str(error)
    except FusionbenchError as error:
        return "unavailable", str(error)


def _run_apart(errand: Errand, parcel: Parcel) -> Message:
    """Work in a folder of this machine's own, which is gone afterwards."""
    with TemporaryDirectory(prefix="fusionbench-") as folder:
        out = Path(folder)
        unpack(out, parcel)
        options = errand.job.options
        options = replace(options, out=out, policy=replace(options.policy, out=out))
        result = _run(replace(errand.job, options=options), errand)
        found = pack_results(out, out / result.path if result.path else None)
        return "result", result, {name: data for name, data in found.items() if name not in parcel}


def _run(job: Job, errand: Errand) -> CellResult:
    if errand.weights is not None and chosen_weights(job) != errand.weights:
        raise FusionbenchError(
            f"the weights chosen for {job.planned.label} are not on every machine: put them on a path that all "
            "share and name the file with --weights."
        )
    device = "cuda:0" if job.options.device == "cuda" else job.options.device
    messages = list(run_local([job], [device], errand.limits))
    result: CellResult = next(content[0] for _, what, *content in messages if what == "result")
    return replace(result, path=result.path and result.path.relative_to(job.options.out))


def chosen_weights(job: Job) -> str | None:
    """Return the hash of the weights that are ready for a job, None where it has none or must train first."""
    try:
        chosen = choose(job.planned, job.options.policy) if job.planned.method.has_class else None
    except FusionbenchError:  # the cell will say what is wrong
        return None
    return chosen and chosen.sha256


def absolute(job: Job) -> Job:
    """Return the job with every path absolute: a machine of a cluster works in a folder of its own."""
    split, options, policy = job.planned.split, job.options, job.options.policy
    pairs = tuple(
        replace(pair, a=pair.a.absolute(), b=pair.b.absolute(), label=pair.label and pair.label.absolute())
        for pair in split.pairs
    )
    split = replace(split, root=split.root.absolute(), pairs=pairs)
    choice = policy.choice if policy.choice in ("auto", "trained", "random") else _full(policy.choice)
    out, root = options.out.absolute(), _full(str(data_root(policy.data_root)))
    policy = replace(policy, out=out, data_root=root, choice=choice)
    return replace(
        job, planned=replace(job.planned, split=split), options=replace(options, out=out, policy=policy)
    )


def _full(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))
