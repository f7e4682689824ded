"""Contract checks of methods, metrics and data sets, for the command line and for tests of plug-ins.

Names are imported on first use, so that importing this package loads neither torch nor pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusionbench.checks.authors import contract_tests  # noqa: F401  resolved below on first use
    from fusionbench.checks.methods import CHECKS, base_arguments, run_checks  # noqa: F401
    from fusionbench.checks.subjects import find_subject  # noqa: F401
    from fusionbench.checks.verdict import Subject, Verdict, verdicts  # noqa: F401

_HOME = {
    "CHECKS": "methods",
    "Subject": "verdict",
    "Verdict": "verdict",
    "base_arguments": "methods",
    "contract_tests": "authors",
    "find_subject": "subjects",
    "run_checks": "methods",
    "verdicts": "verdict",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
