"""pytest plug-in with the fixture ``contract_check`` and its marker, for tests of methods, metrics and data sets.

PYTEST_DONT_REWRITE: this module has no assertions. Nothing is loaded until the fixture is used.

    @pytest.mark.contract("mynet", "metric:EME")
    def test_contract(contract_check):
        contract_check()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

FIXTURE = "contract_check"
MARKER = (
    "contract(*references): what the fixture contract_check checks, as `fusionbench check` takes it: methods, "
    "metric:NAME, dataset:NAME."
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Generate one test for each check of each reference in the marker."""
    marker = metafunc.definition.get_closest_marker("contract")
    if FIXTURE not in metafunc.fixturenames or marker is None:
        return
    from fusionbench.checks.authors import cases

    named_cases = cases(marker.args)
    metafunc.parametrize(FIXTURE, [case.hold for case in named_cases], ids=[case.id for case in named_cases])
