"""Every command that README and docs/ show is one that the command line takes; the site builds without a warning."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer

from fusionbench.cli import verbs
from fusionbench.cli.app import app

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?:bash|console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(fusionbench [a-z][^`]*)`")
PLACEHOLDER = re.compile(r"\b[A-Z][A-Z_]*\b|\.\.\.|[\[\]|]")  # FILE, DIR, [--all], a|b: text about a command


def commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(FENCE.findall(text)).replace("\\\n", " ")
    lines = [line.partition(" #")[0].strip().removeprefix("$ ") for line in blocks.splitlines()]
    shown = [part.strip() for line in lines for part in re.split(r"&&|;", line)]
    inline = [" ".join(code.split()) for code in INLINE.findall(text)]
    return [
        line
        for line in (*shown, *(i for i in inline if not PLACEHOLDER.search(i)))
        if line.startswith("fusionbench ")
    ]


CASES = [
    pytest.param(line, id=f"{page.name}: {line}") for page in PAGES for line in dict.fromkeys(commands(page))
]


def test_there_are_commands() -> None:
    assert len(CASES) > 40


def parse(line: str) -> None:
    """Let the application read a command as it does in use, with every verb emptied of what it runs."""
    words = [word for word in shlex.split(line)[1:] if not re.fullmatch(r"\d?>.*", word)]
    application: Any = typer.main.get_command(app)
    empty(application)
    command, rest = application, words
    if rest and rest[0] in verbs.VERBS:
        command, rest = verbs.built(rest[0]), rest[1:]
        empty(command)
    emptied = command
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    if rest:  # a verb alone is named in the text, not shown for use
        with mock.patch.object(verbs, "built", return_value=emptied):
            application.main(words, prog_name="fusionbench", standalone_mode=False)


def empty(command: Any) -> None:
    command.callback = None
    for inner in getattr(command, "commands", {}).values():
        empty(inner)


@pytest.mark.parametrize("line", CASES)
def test_the_command_line_takes_it(line: str) -> None:
    parse(line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fusionbench runn", "No such"),
        ("fusionbench run --methods x", "No such"),
        ("fusionbench list method", "No such"),
        ("fusionbench explain luma ir.png --gray", "No such"),
        ("fusionbench explain SSIM 0.7 --a a.png --b b.png", "Missing parameter: fused"),
        ("fusionbench explain SSIM 0.7 --a a.png --b b.png --fused f.png --image f.png", "No such"),
    ],
)
def test_a_wrong_command_would_be_found(line: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        parse(line)


def test_the_site_builds(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-d",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(build, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    for page in (
        "index.html",
        "methods/refinefuse/index.html",
        "data/msrs/index.html",
        "metrics/vif/index.html",
    ):
        assert (tmp_path / "site" / page).stat().st_size > 5000
    vif = (tmp_path / "site/metrics/vif/index.html").read_text(encoding="utf-8")
    assert "<math" in vif
    assert "fonts.googleapis" not in vif
