"""Facts on methods, metrics and runs for the page; they come from plug-ins and records and are not trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from fusionbench.errors import FusionbenchError
from fusionbench.metrics.tasks import PROFILE, is_task_metric, task_cards
from fusionbench.registry.cards import Card
from fusionbench.report.groups import Group
from fusionbench.spelling import folded
from fusionbench.tables.board import Board
from fusionbench.tables.runs import Run

DOI = re.compile(r"10\.\d{4,9}/\S+")


@dataclass(frozen=True)
class RunFacts:
    """Settings and provenance of a run, as texts."""

    dataset: str
    method: str
    run: str
    status: str
    arguments: str
    source: str
    note: str
    digest: str
    seed: str
    device: str
    versions: str
    code: str
    data: str
    finished: str
    seconds: str


@dataclass(frozen=True)
class MethodFacts:
    """A method, its card (None if it is not installed here), and its runs on the page."""

    name: str
    title: str
    kind: str
    card: Card | None
    doi: str | None
    runs: tuple[RunFacts, ...]


@dataclass(frozen=True)
class MetricFacts:
    """A metric as the profiles on the page define it."""

    name: str
    title: str
    better: str
    range: str
    unit: str
    doi: str
    texts: tuple[tuple[str, str], ...]


def doi_link(doi: object) -> str | None:
    """Return the address of a DOI; None if the text is not a DOI."""
    text = str(doi or "").strip().removeprefix("https://doi.org/")
    return f"https://doi.org/{quote(text, safe='/:().;_-')}" if DOI.fullmatch(text) else None


def web_link(address: object) -> str | None:
    """Return an address that is safe to link to, http or https; None for any other, such as ``javascript:``."""
    text = str(address or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.netloc else None


def method_facts(groups: Iterable[Group]) -> list[MethodFacts]:
    """Return the methods of all groups in order of appearance."""
    runs: dict[str, list[tuple[Run, RunFacts]]] = {}
    for group in groups:
        for run in group.first.runs:
            runs.setdefault(run.record["method"]["name"], []).append((run, run_facts(run)))
    return [_method(name, facts) for name, facts in runs.items()]


def _method(name: str, runs: Sequence[tuple[Run, RunFacts]]) -> MethodFacts:
    method = runs[0][0].record["method"]
    card = _card(name)
    doi = (card.doi if card else None) or method.get("doi")
    return MethodFacts(
        name, runs[0][0].label, method["kind"], card, str(doi) if doi else None, tuple(f for _, f in runs)
    )


def _card(name: str) -> Card | None:
    """Return the card of a registered method, or None; a name from a record is never read as a file or module."""
    from fusionbench.registry.methods import card, names

    base = name.partition("@")[0]
    if folded(base) not in names():
        return None
    try:
        return card(base)
    except FusionbenchError:  # a broken plug-in must not prevent the page
        return None


def run_facts(run: Run) -> RunFacts:
    record = run.record
    identity, provenance, weights = record["identity"], record.get("provenance", {}), record["weights"]
    seconds = provenance.get("seconds", {})
    return RunFacts(
        dataset=f"{record['dataset']['name']}-{record['dataset']['split']}",
        method=run.label,
        run=record["id"],
        status=record["status"],
        arguments=_arguments(identity.get("arguments", {})),
        source=weights["source"],
        note=(weights.get("note") or "").strip(),
        digest=(weights.get("sha256") or "")[:16],
        seed=str(identity.get("seed", "")),
        device=provenance.get("device") or "",
        versions=_versions(provenance),
        code=str(identity.get("method", {}).get("files") or "")[:10],
        data=identity["data"][:16],
        finished=provenance.get("finished") or "",
        seconds=", ".join(f"{phase} {spent:.1f} s" for phase, spent in seconds.items()),
    )


def _arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(arguments.items()))


def _versions(provenance: Mapping[str, Any]) -> str:
    versions = {
        "fusionbench": provenance.get("fusionbench"),
        "git": provenance.get("git"),
        "python": provenance.get("python"),
        **provenance.get("versions", {}),
    }
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def metric_facts(boards: Sequence[Board]) -> list[MetricFacts]:
    """Return the metrics of all boards in the order of their cards, each with the profiles that show it."""
    from fusionbench.metrics import cards

    shown: dict[str, dict[str, None]] = {}
    for board in boards:
        for column in board.table.columns:
            shown.setdefault(column.metric, {})[board.table.profile] = None
    known = {**cards(), **task_cards(shown)}
    return [_metric(card, list(shown[name])) for name, card in known.items() if name in shown]


def _metric(card: Any, profiles: Sequence[str]) -> MetricFacts:
    low, high = ("" if bound is None else f"{bound:g}" for bound in card.range)
    bounds = f"{low or '−∞'} to {high or '∞'}"
    texts = tuple((profile, _definition(card.name, profile)) for profile in profiles)
    if is_task_metric(card.name):
        texts = ((PROFILE, card.convention),)
    return MetricFacts(card.name, card.title, card.better, bounds, card.unit, card.doi, texts)


def _definition(metric: str, profile: str) -> str:
    from fusionbench.metrics import definition_of

    try:
        return definition_of(metric, profile).text
    except FusionbenchError:  # scored under a profile that this installation does not know
        return "not defined in this installation"
