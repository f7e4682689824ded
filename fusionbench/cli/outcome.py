"""Exit codes (0 all ok, 1 some cell is not ok, 2 the request cannot be carried out, 130 interrupted) and printing."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from fusionbench.errors import FusionbenchError


def guarded(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb that turns errors a user can cause into a sentence on standard error and the right exit code."""

    @functools.wraps(verb)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            verb(*args, **kwargs)
        except FusionbenchError as error:
            fail(str(error))
        except KeyboardInterrupt:
            print("Interrupted. Finished work is kept; the same command resumes it.", file=sys.stderr)
            raise SystemExit(130) from None
        except BrokenPipeError:
            # the reader (head, less) has closed the pipe; without a new target Python would report an error when it flushes
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None

    return call


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
