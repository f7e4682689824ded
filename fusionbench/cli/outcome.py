"""Exit codes (0 all ok, 1 some cell is not ok, 2 the request cannot be carried out, 130 interrupted) and printing."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from typing import Any

from fusionbench.errors import FusionbenchError


def guarded(
    verb: Callable[..., None], interrupted: str = "Interrupted. Files that were finished are kept."
) -> Callable[..., None]:
    """Return a verb that turns errors a user can cause into a sentence on standard error and the right exit code.

    ``interrupted`` is what Ctrl-C prints.
    """

    @functools.wraps(verb)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            try:
                verb(*args, **kwargs)
            finally:
                sys.stdout.flush()  # here, because at the interpreter's exit a full disk would be a traceback
        except FusionbenchError as error:
            fail(str(error))
        except KeyboardInterrupt:
            print(interrupted, file=sys.stderr)
            raise SystemExit(130) from None
        except BrokenPipeError:
            _discard_output()  # the reader (head, less) has closed the pipe
            raise SystemExit(0) from None
        except OSError as error:
            fail(_refused(error))

    return call


resumable = functools.partial(
    guarded, interrupted="Interrupted. Finished work is kept; the same command resumes it."
)


def _refused(error: OSError) -> str:
    """Return the message for a file, or standard output, that the system does not let be used; raise what is neither."""
    if error.filename is not None:
        return f"'{error.filename}' cannot be used ({error.strerror}): check that it is there and its permissions."
    if error.errno not in (ENOSPC, EDQUOT, EFBIG, EIO):
        raise error
    _discard_output()
    return f"The output cannot be written ({error.strerror}): free space or send it elsewhere."


def _discard_output() -> None:
    """Let standard output go nowhere, because Python would report an error when it flushes the rest at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def forbid_device_backends() -> None:
    """Keep torch from loading other packages' devices, here and in child processes, unless the caller asks for it.

    Only "cpu" and "cuda" are supported, and a single package whose entry points cannot be read would fail ``import torch``.
    """
    os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")


def replace_closed_output() -> None:
    """Let standard output or error go nowhere where the caller closed it (``>&-``), for which Python has None."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            # under its own number and for child processes too, or a file opened later would get what they print
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w"))


def fail(message: str) -> None:
    """Print each line of the message as an error and exit with code 2."""
    for line in message.splitlines():
        print(f"Error: {line}", file=sys.stderr)
    raise SystemExit(2)


def forbid_network() -> None:
    """Forbid network use in this process and its children, also for libraries that would download files."""
    os.environ.update({"FUSIONBENCH_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})


def print_json(document: Any) -> None:
    """Print one strict JSON document on standard output."""
    print(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False))


def comma_list(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated option, stripped, without empty ones."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
