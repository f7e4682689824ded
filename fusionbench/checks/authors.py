"""The contract suite as tests of one's own: two lines in a test file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fusionbench.checks.subjects import find_subject
from fusionbench.checks.verdict import Subject, Verdict, cannot_build, judge
from fusionbench.errors import FusionbenchError


class Case:
    """One check of one subject; all cases of a subject share what was built."""

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
        """Pass, or fail, skip or xfail the running test with what was found."""
        import pytest

        found = self.verdict()
        if found.outcome == "failed":
            pytest.fail(f"{found.about}\nfound:  {found.detail}\nremedy: {found.remedy}", pytrace=False)
        if found.outcome == "skipped":
            pytest.skip(found.detail)
        if found.outcome == "excused":
            pytest.xfail(found.detail)


def cases(references: Iterable[str]) -> list[Case]:
    """Return one case for each check of each reference, as `fusionbench check` takes them."""
    found = []
    for reference in references:
        subject = find_subject(reference)
        built: dict[str, Any] = {}
        found += [Case(subject, name, built) for name in subject.checks]
    return found


def contract_tests(*references: str) -> Callable[..., None]:
    """Return a test function with one case a check: ``test_contract = contract_tests("mynet")``.

    References are those of `fusionbench check`: methods with variants, files, ``metric:NAME``, ``dataset:NAME``.
    Raises UnknownNameError for a name that is not registered.
    """
    import pytest

    found = cases(references)

    @pytest.mark.parametrize("case", found, ids=[case.id for case in found])
    def test_contract(case: Case) -> None:
        case.hold()

    return test_contract
