"""Which of the records a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from fusionbench.errors import RequestError
from fusionbench.report.cells import Record


def only_datasets(records: Sequence[Record], asked: str | None) -> list[Record]:
    """Return the records of the data sets named in a comma-separated list; all of them for None.

    Raises UnknownNameError for a name that is neither in the records nor in the catalog, and RequestError where
    no record is left.
    """
    if asked is None:
        return list(records)
    here = {record["dataset"]["name"] for record in records}
    wanted = {_name(name.strip(), here) for name in asked.split(",") if name.strip()}
    found = [record for record in records if record["dataset"]["name"] in wanted]
    if not found:
        raise RequestError(
            f"No record of {', '.join(sorted(wanted)) or 'a data set'} there: the folders hold {', '.join(sorted(here))}."
        )
    return found


def _name(asked: str, here: set[str]) -> str:
    from fusionbench.data.spec import dataset

    return asked if asked in here else dataset(asked).name
