"""The contract checks as pytest tests of a plug-in, with two lines in a test file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fusionbench.checks.subjects import find_subject
from fusionbench.checks.verdict import Subject, Verdict, cannot_build, judge
from fusionbench.errors import FusionbenchError


class Case:
    """One check of one subject; all cases of a subject share the built subject."""

    def __init__(self, subject: Subject, name: str, built: dict[str, Any]) -> None:
        self.subject, self.name, self._built = subject, name, built

    @property
    def id(self) -> str:
        return f"{self.subject.name}-{self.name}"

    def verdict(self) -> Verdict:
        try:
            if "subject" not in self._built:
                self._built["subject"] = self.subject.build()
        except FusionbenchError as error:
            return cannot_build(error)
        return judge(self.subject, self.name, self._built["subject"])

    def hold(self) -> None:
        """Fail, skip or xfail the running test with the verdict's details, or return if the check passed."""
        import pytest

        verdict = self.verdict()
        if verdict.outcome == "failed":
            pytest.fail(f"{verdict.about}\nfound:  {verdict.detail}\nremedy: {verdict.remedy}", pytrace=False)
        if verdict.outcome == "skipped":
            pytest.skip(verdict.detail)
        if verdict.outcome == "excused":
            pytest.xfail(verdict.detail)


def cases(references: Iterable[str]) -> list[Case]:
    """Return one case for each check of each reference; references are those of `fusionbench check`."""
    all_cases = []
    for reference in references:
        subject = find_subject(reference)
        built: dict[str, Any] = {}
        all_cases += [Case(subject, name, built) for name in subject.checks]
    return all_cases


def contract_tests(*references: str) -> Callable[..., None]:
    """Return a test function with one case per check: ``test_contract = contract_tests("mynet")``.

    References are those of `fusionbench check`: methods with variants, files, ``metric:NAME``, ``dataset:NAME``.
    Raises UnknownNameError for a name that is not registered.
    """
    import pytest

    named_cases = cases(references)

    @pytest.mark.parametrize("case", named_cases, ids=[case.id for case in named_cases])
    def test_contract(case: Case) -> None:
        case.hold()

    return test_contract
