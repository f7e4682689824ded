"""References to one metric, as `explain`, `check` and `info` take them: NAME, FILE.py, or FILE.py:NAME."""

from __future__ import annotations

from pathlib import Path

from fusionbench.errors import RequestError
from fusionbench.metrics.own_files import is_file
from fusionbench.metrics.registry import marks, metric_named, metrics_of_file
from fusionbench.spelling import spelled


def metric_of(reference: str) -> str:
    """Return the name of the metric that a reference stands for; a file's metrics are made known.

    Raises UnknownNameError for an unknown name, PluginError for a file that cannot be read or a name with two providers, and
    RequestError for a file of several metrics without a name.
    """
    file, name = _parts(reference)
    if not file:
        return metric_named(reference)
    names = metrics_of_file(file)
    if name:
        return spelled(name, names, "metric")
    if len(names) > 1:
        raise RequestError(
            f"'{file}' has the metrics {', '.join(names)}: write {file}:{names[0]}, for example."
        )
    return names[0]


def holds_metrics(reference: str) -> bool:
    """Tell whether a reference names a file with functions that are marked as metrics, which is not imported."""
    file, _ = _parts(reference)
    path = Path(file).expanduser()
    try:
        return bool(file) and path.is_file() and any(marks(path))
    except (SyntaxError, UnicodeDecodeError):
        return False


def _parts(reference: str) -> tuple[str, str]:
    """Return file and name, both possibly empty."""
    if is_file(reference):
        return reference.strip(), ""
    file, _, name = reference.strip().rpartition(":")
    return (file, name) if is_file(file) else ("", name)
