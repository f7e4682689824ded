"""A fresh environment that sees this one's packages, in which plug-ins are installed by pip without any network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PIP = """#!/bin/sh
case "$1" in install) shift; set -- install -q --no-index --no-deps --no-build-isolation "$@";; esac
exec {here} -m pip --disable-pip-version-check --python {there} "$@"
"""
FUSIONBENCH = '#!/bin/sh\nexec {there} -m fusionbench "$@"\n'


class FreshEnvironment:
    """An environment below ``folder``; commands are run as a user types them, in ``cwd``."""

    def __init__(self, folder: Path, cwd: Path) -> None:
        venv.create(folder, symlinks=True)
        self.cwd, self.bin = cwd, folder / "bin"
        site = next(folder.glob("lib/python*/site-packages"))
        parent = f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n"
        (site / "parent.pth").write_text(parent)  # for its own .pth files, of editable installs, too
        for name, text in (("pip", PIP), ("fusionbench", FUSIONBENCH)):
            (self.bin / name).write_text(text.format(here=sys.executable, there=self.bin / "python"))
            (self.bin / name).chmod(0o755)

    def run(self, command: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run one line in a shell. Output is text."""
        environment = {**os.environ, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(
            command, shell=True, cwd=self.cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )  # fmt: skip


def commands(page: Path, heading: str) -> list[str]:
    """Return the commands of the first console block under a heading of a page."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    return block[1].strip().splitlines()
