"""Search of the subject to check by the name that a user gives."""

from __future__ import annotations

from fusionbench.checks.verdict import Subject
from fusionbench.data import registry as catalog
from fusionbench.data.spec import canonical
from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.metrics import cards
from fusionbench.metrics import registry as metrics
from fusionbench.metrics.references import holds_metrics
from fusionbench.registry import methods as registry
from fusionbench.spelling import folded

KINDS = ("method", "metric", "dataset")


def find_subject(reference: str, data_root: str | None = None) -> Subject:
    """Return the subject of ``method:NAME``, ``metric:NAME``, ``dataset:NAME``, or of a name that only one kind has.

    Methods may have variants; methods and metrics may be files. Raises UnknownNameError for an unknown name, RequestError if
    several kinds have it or a method has no class, PluginError if a plug-in cannot be used.
    """
    kind, _, name = reference.strip().partition(":")
    if kind.lower() in KINDS and ":" in reference:
        if not name:
            raise RequestError(f"'{reference}' names no {kind.lower()}: write its name behind the colon.")
        return _subject(kind.lower(), name, data_root)
    if any(mark in reference for mark in "@:./~"):
        return _subject("metric" if holds_metrics(reference) else "method", reference, data_root)
    kinds = kinds_of(reference)
    if not kinds:
        known = [*registry.names(), *cards(), *catalog.datasets()]
        raise UnknownNameError("method, metric or data set", reference, known)
    if len(kinds) > 1:
        ways = " or ".join(f"{kind}:{reference}" for kind in kinds)
        raise RequestError(f"'{reference}' is a {' and a '.join(kinds)}: write {ways}.")
    return _subject(kinds[0], reference, data_root)


def kinds_of(name: str) -> list[str]:
    """Return the kinds in which a name is registered, usable or not."""
    methods = registry.names()
    measures = {*map(folded, cards()), *metrics.rivals()}
    data = {*catalog.datasets(), *catalog.problems()}
    registered = (
        folded(name) in methods,
        folded(name) in measures,
        canonical(name) in data,
    )
    return [kind for kind, there in zip(KINDS, registered, strict=True) if there]


def _subject(kind: str, name: str, data_root: str | None) -> Subject:
    # imported only for subjects of its kind: two of the modules load torch
    if kind == "dataset":
        from fusionbench.checks.datasets import dataset_subject

        return dataset_subject(name, data_root)
    if kind == "metric":
        from fusionbench.checks.metrics import metric_subject

        return metric_subject(name)
    method = registry.spec(name)
    method.require_class()
    from fusionbench.checks.methods import method_subject

    return method_subject(method)
