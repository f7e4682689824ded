"""The lines of scores.jsonl: what a score is of, and a checksum at each line's end by which an edit by hand shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from fusionbench.errors import DamagedError
from fusionbench.types import Pair

FINAL = ("ok", "undefined")  # anything else is tried again by the next run
WHOLE_SET = ""  # the image of a score that belongs to all images of a cell together


class ScoreKey(NamedTuple):
    """What a score is of; one line of scores.jsonl each, the last one counts. ``image`` may be `WHOLE_SET`."""

    image: str
    metric: str
    version: int
    profile: str


SEAL_START, SEAL_END = b', "check": "', 10
SEAL = len(SEAL_START) + SEAL_END  # bytes of a line's end: , "check": "0123abcd"}
KEYS = {"run", "image", "metric", "version", "profile", "status", "value", "detail"}


def set_hash(pairs: Iterable[Pair]) -> str:
    """Return a hash of which images make up a set; what they show is in the cell's identity."""
    return hashlib.sha256("\n".join(sorted(pair.id for pair in pairs)).encode()).hexdigest()[:16]


def key_of(line: dict[str, Any]) -> ScoreKey:
    return ScoreKey(line["image"], line["metric"], line["version"], line["profile"])


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a scores file; a torn last one is passed over. Raises OutputError for a damaged file."""
    return parse_lines(path, read_scores(path))


def read_scores(path: Path) -> bytes:
    """Return the content of a scores file, nothing where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def parse_lines(path: Path, data: bytes) -> list[dict[str, Any]]:
    """Return the lines of a scores file's content, as `read_lines` does."""
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    for number, text in enumerate(lines, start=1):
        if text[-SEAL:-SEAL_END].startswith(SEAL_START) and not _is_intact(text):
            raise DamagedError(path, f"line {number} was edited", "delete that line and run again")
    try:
        # one document is read several times faster than its lines one by one
        parsed = json.loads(b"[" + b",".join(lines) + b"]")
    except ValueError:
        parsed = [_line(path, number, line) for number, line in enumerate(lines, start=1)]
    for number, line in enumerate(parsed, start=1):
        if not isinstance(line, dict) or not line.keys() >= KEYS or not _is_score(line):
            raise _no_score(path, number)
        line.pop("check", None)
    return parsed


def sealed(text: str) -> str:
    """Return a line with the checksum of what it says, so that an edit by hand shows."""
    return f'{text[:-1]}, "check": "{crc32(text[:-1].encode()):08x}"}}\n'


def _is_intact(text: bytes) -> bool:
    return b"%08x" % crc32(text[:-SEAL]) == text[-10:-2]


def _is_score(line: dict[str, Any]) -> bool:
    """Tell whether the value is a finite number where the status is ok, and none elsewhere; true is no number."""
    value = line["value"]
    if line["status"] != "ok":
        return value is None and type(line["status"]) is str
    return (type(value) is float and isfinite(value)) or type(value) is int


def _line(path: Path, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise _no_score(path, number) from error


def _no_score(path: Path, number: int) -> DamagedError:
    return DamagedError(path, f"line {number} is no score", "delete that line and run again")
