"""Verdicts of checks: what was checked, what was found and how to fix it. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from fusionbench.errors import FusionbenchError

Check = Callable[..., str]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check: passed, failed, excused (a failure that the card announces) or skipped.

    ``about`` is what was checked, the first line of the check's docstring; ``detail`` is what was found, ``remedy`` how
    to fix a failure.
    """

    check: str
    outcome: str
    detail: str
    about: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Subject:
    """Something to check: ``build`` returns the arguments of all its checks.

    ``excuses`` maps the name of a check to the reason why it cannot pass.
    """

    kind: str
    name: str
    checks: Mapping[str, Check]
    build: Callable[[], tuple[Any, ...]]
    excuses: Mapping[str, str] = field(default_factory=dict)


class Broken(AssertionError):
    """A violated contract, with the observation and how to fix it."""

    def __init__(self, observed: str, remedy: str) -> None:
        super().__init__(f"{observed}: {remedy}")
        self.observed, self.remedy = observed, remedy


class NotApplicableError(Exception):
    """The check is not applicable to this subject."""


def require(condition: object, observed: str, remedy: str) -> None:
    """Raise Broken unless the condition holds; unlike ``assert``, also under ``python -O``."""
    if not condition:
        raise Broken(observed, remedy)


def not_applicable(why: str) -> NoReturn:
    raise NotApplicableError(why)


def verdicts(subject: Subject) -> Iterator[Verdict]:
    """Build the subject and yield one verdict per check."""
    try:
        built = subject.build()
    except FusionbenchError as error:
        yield cannot_build(error)
        return
    for name in subject.checks:
        yield judge(subject, name, built)


def cannot_build(error: FusionbenchError) -> Verdict:
    return Verdict(
        "construction", "failed", str(error), "It can be imported and built.", "do what the error says"
    )


def judge(subject: Subject, name: str, built: tuple[Any, ...]) -> Verdict:
    """Run one check; anything that the subject raises is a failure of that check."""
    check, excuse = subject.checks[name], subject.excuses.get(name)
    about = (check.__doc__ or name).strip().splitlines()[0]
    try:
        detail = check(*built)
    except NotApplicableError as why:
        return Verdict(name, "skipped", f"not applicable: {why}", about)
    except (Exception, SystemExit) as error:  # plug-ins can raise exceptions of any class
        observed, remedy = _worded(error)
        if excuse is not None:
            return Verdict(name, "excused", f"{excuse} ({observed})", about)
        return Verdict(name, "failed", observed, about, remedy)
    if excuse is not None:
        return Verdict(
            name, "failed", f"passes though the card's xfail excuses it ({excuse})", about, "remove the entry"
        )
    return Verdict(name, "passed", detail, about)


def _worded(error: BaseException) -> tuple[str, str]:
    if isinstance(error, Broken):
        return error.observed, error.remedy
    if isinstance(error, FusionbenchError):
        return str(error), "do what the error says"
    return f"{type(error).__name__}: {error}", "fix what raises it"
