"""The process that metrics of other makers run in; `fusionbench.metrics.isolation` starts it and speaks to it.

Requests come on standard input and answers go to what was standard output, each pickled after its length. What a metric
prints goes to standard error. A child that a metric forks has no channel to answer on and ends where it would.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from typing import IO, Any

import torch

from fusionbench.errors import PluginError
from fusionbench.metrics.image_cache import Image, Outcome, Triple
from fusionbench.metrics.plugins import guarded, import_function

LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message)
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message. Raises EOFError where the other side has ended."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Answer requests until there are no more: an outcome, None for a metric that was only to be imported, or an error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    own, home = os.getpid(), os.getcwd()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    ours, before = frozenset(sys.modules), list(sys.path)
    torch.set_num_threads(1)  # as the built-in metrics: where torch splits a tensor can change the last digit
    while True:
        try:
            path, entry, device, levels = receive(requests)
        except EOFError:
            os._exit(0)  # threads and handlers of a metric must not keep the process
        if path != before:  # packages of one name may stand elsewhere now
            sys.path[:] = before = path
            for name in sys.modules.keys() - ours:
                del sys.modules[name]
        answer = _answer(entry, device, levels)
        if os.getpid() != own:  # a child that the metric forked has come back out of it
            os._exit(0)
        os.chdir(home)
        send(answers, answer)


def _answer(entry: Any, device: str, levels: Any) -> Any:
    try:
        function = guarded(entry, import_function(entry))
        if levels is None:
            return None
        images = [Image(torch.tensor(plane, device=device)) for plane in levels]
        outcome: Outcome = function(Triple(*images))
        if any(
            (image.levels.cpu().numpy() != plane).any() for image, plane in zip(images, levels, strict=True)
        ):
            return f"Metric '{entry.definition.metric}' changes the images it is given: copy before writing; mend {entry.module}."
        masks = [(mask.cpu().numpy(), str(reason)) for mask, reason in outcome.undefined]
        return outcome.values.detach().cpu().numpy(), masks
    except PluginError as error:
        return str(error)
    except BaseException as error:  # SystemExit and whatever else a metric raises to end its process
        return (
            f"Metric '{entry.definition.metric}' raised {type(error).__name__}: {error}; mend {entry.module}."
        )


if __name__ == "__main__":
    main()
