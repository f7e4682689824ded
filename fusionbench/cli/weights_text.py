"""Files of weights as lines for a terminal and as entries of a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusionbench.runner.known_weights import KnownWeights
    from fusionbench.runner.metric_files import FileState


def line(entry: KnownWeights, text: str) -> str:
    """Return the line of a method's weights."""
    file = f"{entry.path.name} {str(entry.sha256)[:10]}" if entry.path else ""
    size = f"{entry.path.stat().st_size / 1e6:.1f} MB" if entry.path and entry.path.is_file() else ""
    families = ", ".join(entry.families)
    return f"{entry.method:<16} {families:<24} {entry.source:<12} {file:<36} {size:<9} {text}".rstrip()


def remark(entry: KnownWeights) -> str:
    """Return what `list` says of a method's weights: where they are from, under which licence, how to get them."""
    remedy = f"`{entry.command}` makes them" if entry.command else ""
    licence = f"licence: {entry.licence}" if entry.licence else ""
    return entry.problem or "; ".join(filter(None, (entry.note, entry.url, licence, remedy)))


def document(entry: KnownWeights) -> dict[str, Any]:
    """Return the entry of a method's weights."""
    return asdict(entry) | {
        "families": list(entry.families),
        "path": str(entry.path) if entry.path else None,
        "bytes": entry.path.stat().st_size if entry.path and entry.path.is_file() else None,
    }


def file_lines(state: FileState) -> list[str]:
    """Return what there is to say of a metric's file: what it is and is for, then where it is from and belongs."""
    from fusionbench.metric_weights import remedy

    known = state.known
    trusted = ", trusted though not the published file" if state.trusted else ""
    here = f"{state.path}, SHA-256 {str(state.sha256)[:10]}{trusted}"
    return [
        f"{known.name:<16} {', '.join(known.used_by):<24} {state.state:<12} {known.purpose} ({_facts(state)})",
        f"    from {known.url or 'no public address'}" + (f", {known.note}" if known.note else ""),
        f"    {state.problem or (here if state.state == 'found' else remedy(known))}",
    ]


def _facts(state: FileState) -> str:
    known = state.known
    size = f"about {known.size / 1e6:.0f} MB" if known.size else "size not known"
    return f"{size}, {known.licence}, SHA-256 {known.sha256 or 'not published'}"


def file_document(state: FileState) -> dict[str, Any]:
    """Return the entry of a metric's file, with the keys of a method's where they mean the same."""
    known = state.known
    return {
        "method": None,
        "metrics": list(known.used_by),
        "name": known.name,
        "source": "unavailable" if state.state == "missing" else "imported",
        "path": None if state.state == "missing" else str(state.path),
        "place": str(state.path),
        "sha256": state.sha256,
        "published_sha256": known.sha256,
        "trusted": state.trusted,
        "bytes": state.path.stat().st_size if state.path.is_file() else None,
        "expected_bytes": known.size,
        "purpose": known.purpose,
        "note": known.note,
        "licence": known.licence,
        "url": known.url,
        "command": _command(state) if state.state != "found" else None,
        "problem": state.problem,
    }


def _command(state: FileState) -> str:
    known = state.known
    return f"fusionbench weights {f'fetch {known.name}' if known.url else f'import FILE --as {known.name}'}"
