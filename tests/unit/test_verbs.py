"""The application builds only the verb that is called; its own help says of each what that verb's help says."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

from fusionbench.cli.verbs import VERBS, built


@pytest.mark.parametrize("name", VERBS)
def test_line_of_a_verb_is_the_first_sentence_of_its_help(name: str) -> None:
    verb = built(name)
    assert verb.name == name
    first, _, _ = inspect.cleandoc(verb.help).replace("\n", " ").partition(". ")
    assert VERBS[name].line == first.rstrip(".") + "."


@pytest.mark.parametrize(("words", "loaded"), [(["--help"], set()), (["list", "--help"], {"listing"})])
def test_only_the_verb_that_is_called_is_loaded(words: list[str], loaded: set[str]) -> None:
    code = f"""
import sys
from fusionbench.cli.app import app
try:
    app({words})
except SystemExit:
    print([name for name in sys.modules if name.startswith("fusionbench.cli.")], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {name.rpartition(".")[2] for name in ast.literal_eval(done.stderr)}
    assert modules & {verb.module for verb in VERBS.values()} == loaded
