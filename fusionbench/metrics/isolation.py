"""Running metrics of other packages in a separate process.

There they cannot change images that other metrics share, change the folder or settings of this process, end it, print
into its results or leave children behind: the process is killed with its whole group when this one ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from fusionbench.errors import PluginError
from fusionbench.metrics.image_cache import Outcome, Triple
from fusionbench.metrics.plugin_process import receive, send
from fusionbench.metrics.registry import Entry

_LOCK = threading.Lock()
_running: subprocess.Popen[bytes] | None = None


def isolated(entry: Entry) -> Callable[[Triple], Outcome]:
    """Return a function that computes a metric in the other process. Raises PluginError if it cannot be imported there."""
    _ask(entry, "cpu", None)
    return partial(_call, entry)


def _call(entry: Entry, triple: Triple) -> Outcome:
    levels = [image.levels.cpu().numpy() for image in triple]
    device = triple.fused.levels.device
    values, masks = _ask(entry, str(device), levels)
    undefined = tuple((torch.from_numpy(mask).to(device), reason) for mask, reason in masks)
    return Outcome(torch.from_numpy(values).to(device), undefined)


def _ask(entry: Entry, device: str, levels: Any) -> Any:
    """Return the answer to one request. Raises PluginError for an error of the metric, or if it ended the process."""
    with _LOCK:
        process = _process()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, (list(sys.path), entry, device, levels))
            answer = receive(process.stdout)
        except (EOFError, OSError):
            # a process that closed its pipe may still run
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            code = process.returncode
            stop()
            raise PluginError(
                f"Metric '{entry.definition.metric}' ended its process (exit code {code}): fix {entry.module}."
            ) from None
        # after an interrupt, the answer to this request would be read as that to the next
        except BaseException:
            stop()
            raise
    if isinstance(answer, str):
        raise PluginError(answer)
    return answer


def _process() -> subprocess.Popen[bytes]:
    """Return the process, started again if it has ended."""
    global _running
    if _running is None or _running.poll() is not None:
        stop()
        command = [sys.executable, "-m", "fusionbench.metrics.plugin_process"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        _running = subprocess.Popen(
            # a session of its own, so that `stop` can kill the whole group without this process
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    return _running


@atexit.register
def stop() -> None:
    """Kill the process and everything that metrics started in it; the next request starts another."""
    global _running
    if _running is None:
        return
    process = _running
    with contextlib.suppress(OSError):  # the group may have ended already
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # closing flushes what was not sent, which fails on a broken pipe
            if stream is not None:
                stream.close()
    _running = None
