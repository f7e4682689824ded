"""The process in which metrics of other packages run, started by `fusionbench.metrics.isolation`.

Requests arrive on standard input and answers leave by the original standard output, each as its length in bytes
followed by a pickle. The output of metrics goes to standard error. A child that a metric forks ends instead of
answering.
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
from fusionbench.metrics.plugins import contained, import_function

LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message: its length as 8 bytes, little endian, then its pickle."""
    data = pickle.dumps(message)
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read and return one message. Raises EOFError if the other side has ended."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Answer requests until the pipe is closed.

    An answer is an outcome as arrays, None for a request that only imports, or an error message.
    """
    # the pipes are moved to other descriptors, so that input and prints of a metric cannot disturb the protocol
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    own, home = os.getpid(), os.getcwd()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    ours, before = frozenset(sys.modules), list(sys.path)
    # as for built-in metrics: splitting a tensor among threads can change the last digit
    torch.set_num_threads(1)
    while True:
        try:
            path, entry, device, levels = receive(requests)
        except EOFError:
            os._exit(0)  # threads and exit handlers of a metric must not keep the process alive
        if path != before:  # a module of the same name may now be found elsewhere
            sys.path[:] = before = path
            for name in sys.modules.keys() - ours:
                del sys.modules[name]
        answer = _answer(entry, device, levels)
        if os.getpid() != own:  # a child that the metric forked has returned from it
            os._exit(0)
        os.chdir(home)
        send(answers, answer)


def _answer(entry: Any, device: str, levels: Any) -> Any:
    try:
        function = contained(entry, import_function(entry))
        if levels is None:
            return None
        images = [Image(torch.tensor(plane, device=device)) for plane in levels]
        outcome: Outcome = function(Triple(*images))
        if any(
            (image.levels.cpu().numpy() != plane).any() for image, plane in zip(images, levels, strict=True)
        ):
            return f"Metric '{entry.definition.metric}' changes the images it is given: copy before writing; fix {entry.module}."
        masks = [(mask.cpu().numpy(), str(reason)) for mask, reason in outcome.undefined]
        return outcome.values.detach().cpu().numpy(), masks
    except PluginError as error:
        return str(error)
    except BaseException as error:  # includes SystemExit, with which a metric may try to end the process
        return (
            f"Metric '{entry.definition.metric}' raised {type(error).__name__}: {error}; fix {entry.module}."
        )


if __name__ == "__main__":
    main()
