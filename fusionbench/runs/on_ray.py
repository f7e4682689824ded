"""Running jobs on a Ray cluster. Each job is one Ray task; if its machine is lost, the task runs on another one."""

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from fusionbench.cells.planned import CellResult, Failure, Job, RunOptions
from fusionbench.cells.record import record_failure
from fusionbench.errors import OutputError, PlanError, RequestError
from fusionbench.files import write_through
from fusionbench.metrics.own_files import file_providers
from fusionbench.runs.plan import wrong_arguments
from fusionbench.runs.queue import Message
from fusionbench.runs.ray_node import Errand, Parcel, absolute, pack_parcel, run_errand, take_in

RETRIES = 3  # further machines on which a job is tried when its machine is lost
PATIENCE = 10  # seconds that a cluster has to answer
# bytes of Ray's object store: results are small, and Ray would reserve a third of the memory
STORE = 100 * 2**20


def check_ray() -> None:
    """Raise RequestError if Ray is not installed."""
    if find_spec("ray") is None:
        raise RequestError('--executor ray needs Ray: `pip install "fusionbench-imaging[ray]"`.')


def run_on_ray(jobs: list[Job], options: RunOptions) -> Iterator[Message]:
    """Run the jobs and yield messages as `run_local` does: for each job its result, preceded by one ``say`` if it is ok.

    The cluster is the one at RAY_ADDRESS (HOST:PORT, or ``auto`` for the one of this machine); without it one is started
    here. ``options.jobs`` limits the jobs that run at once; with None the cluster's CPUs or GPUs do. Raises PlanError and
    OutputError as `run_local` does, and RequestError if no cluster answers or none of its machines has the device.
    """
    with _connected(options.jobs) as ray, _token(options.out.absolute()) as token:
        _check_device(ray, jobs[0].options.device)
        if problems := _wrong_arguments(ray, jobs, options.timeout):
            raise PlanError(problems)
        for number, (job, result) in enumerate(_results(ray, jobs, options.jobs, token), start=1):
            if result.status == "ok":
                yield job.index, "say", f"{job.planned.label}: done, {number} of {len(jobs)}"
            yield job.index, "result", result


def _results(
    ray: ModuleType, jobs: list[Job], at_once: int | None, token: Path
) -> Iterator[tuple[Job, CellResult]]:
    task = _task(ray, jobs[0].options.device)
    waiting: deque[tuple[Job, Parcel | None]] = deque((job, None) for job in jobs)
    under_way: dict[Any, Job] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) < (at_once or len(jobs)):
                job, parcel = waiting.popleft()
                under_way[task.remote(Errand(absolute(job), token, parcel, file_providers()))] = job
            (done, *_), _ = ray.wait(list(under_way))
            job = under_way.pop(done)
            answer = _answer(ray, done)
            if answer == ("apart",):
                # only a machine that turns out not to share the folder is sent files: weights can be large
                waiting.appendleft((job, _training_of(job)))
            else:
                yield job, _result(job, answer)
    finally:
        for left in under_way:
            ray.cancel(left, force=True)


def _task(ray: ModuleType, device: str) -> Any:
    gpus = 1 if device == "cuda" else 0
    return ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(run_errand)


def _answer(ray: ModuleType, done: Any) -> Message:
    try:
        return ray.get(done)
    except ray.exceptions.RayError as error:
        return "lost", f"{type(error).__name__}: {(str(error).splitlines() or [''])[-1].strip()}"


def _result(job: Job, answer: Message) -> CellResult:
    match answer:
        case ("result", result, parcel):
            out = job.options.out
            take_in(out, result.path, parcel, job.options.fresh) if parcel else None
            return replace(result, path=result.path and out / result.path)
        case ("problems", reason):
            raise PlanError(reason.splitlines())
        case ("unwritable", reason):
            raise OutputError(reason)
        case ("unavailable", reason):
            return record_failure(job, Failure("unavailable", reason))
    failure = Failure("failed", f"lost on the cluster, {RETRIES} times tried again: {answer[1]}")
    return record_failure(job, failure)


def _training_of(job: Job) -> Parcel:
    """Return the files of the weights that an earlier training made for a job, empty for weights of other origin."""
    if job.weights is None or job.weights.source != "trained" or job.weights.path is None:
        return {}
    path = job.weights.path
    return pack_parcel(job.options.out, [path, path.with_suffix(".json")])


def _wrong_arguments(ray: ModuleType, jobs: list[Job], timeout: float | None) -> list[str]:
    """Return what is wrong with the methods' arguments, checked by a worker, because that imports the methods.

    If an import kills the worker, nothing is reported here: the cell of that method will fail and say so.
    """
    cells = [absolute(job).planned for job in jobs if job.planned.config.args]
    if not cells:
        return []
    checked = ray.remote(num_cpus=1, max_retries=0)(wrong_arguments).remote(cells)
    try:
        return ray.get(checked, timeout=timeout)
    except ray.exceptions.RayError:
        ray.cancel(checked, force=True)
        return []


def _check_device(ray: ModuleType, device: str) -> None:
    if device == "cuda" and not ray.cluster_resources().get("GPU"):
        raise RequestError("No machine of the Ray cluster has a GPU: use --device cpu.")


@contextmanager
def _token(out: Path) -> Iterator[Path]:
    """Create a file in the runs folder by which machines find out whether they share the folder; remove it at the end."""
    token = out / f".driver-{os.getpid()}-{os.urandom(4).hex()}"
    write_through(token, lambda partial: partial.write_bytes(b""))
    try:
        yield token
    finally:
        token.unlink(missing_ok=True)


@contextmanager
def _connected(at_once: int | None) -> Iterator[ModuleType]:
    """Connect to a cluster, or use the calling program's connection, which is then left open."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would hide all GPUs from tasks that ask for none, and warn that this will change
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS") or "local"
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    own = {"num_cpus": at_once, "object_store_memory": STORE, "include_dashboard": False}
    _check_address(address)
    try:
        ray.init(address, **quiet, **(own if address == "local" else {}))
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RequestError(_no_cluster(address, error)) from error
    try:
        yield ray
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            ray.shutdown()


def _check_address(address: str) -> None:
    """Raise RequestError if nothing listens at HOST:PORT, where Ray itself would keep trying for minutes."""
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        raise RequestError(
            f"RAY_ADDRESS '{address}' is not the address of a cluster: write HOST:PORT or auto."
        )
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise RequestError(_no_cluster(address, error)) from error


def _no_cluster(address: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return (
        f"No Ray cluster answers at RAY_ADDRESS={address} ({reason}): start one with `ray start --head`, or unset "
        "RAY_ADDRESS to use this machine."
    )
