"""Boards made from plain arrays, without pandas."""

from types import SimpleNamespace

from fusionbench.tables.board import build_boards

NONE = {"source": "none", "sha256": None, "file": None, "note": ""}


def card(name, better="higher", per="image"):
    return SimpleNamespace(
        name=name, title=f"{name} title", better=better, digits=4, version=1, per=per, range=(None, None)
    )


CARDS = {"EN": card("EN"), "VIF": card("VIF"), "SCD": card("SCD"), "NABF": card("NABF", "lower")}


def record(method, pairs, kind="learned", weights=None, status="ok"):
    return {
        "schema": 1,
        "id": f"run-{method}",
        "identity": {"method": {"name": method}, "data": "d" * 64, "seed": 0, "protocol": {}},
        "dataset": {
            "name": "msrs", "title": "MSRS", "family": "ir-vis", "split": "test", "a": "infrared", "b": "visible",
            "pairs": pairs, "expected": pairs, "limit": None, "split_hash": "5" * 63 + "-",
            "ids": [f"p{i}" for i in range(pairs)],
        },
        "method": {"name": method, "title": method, "kind": kind, "color": "luma"},
        "weights": weights or NONE,
        "status": status,
        "detail": "",
        "images": {},
        "provenance": {"fusionbench": "0.1.0", "versions": {}, "device": "cpu", "finished": None},
    }  # fmt: skip


def rows(run, scores, profile="canonical"):
    """Score rows; a value of None is undefined."""
    data = run["dataset"]
    return [
        (data["name"], data["split"], run["id"], profile, metric, 1, image,
         "undefined" if value is None else "ok", value, "")
        for metric, values in scores.items()
        for image, value in zip(data["ids"], values, strict=True)
    ]  # fmt: skip


def board(methods, *, kinds=None, weights=None, profile="canonical", metrics=None):
    """A board of ``methods``, {name: {metric: [values]}}; an empty dictionary is a row that could not run."""
    pairs = max(len(values) for scores in methods.values() for values in scores.values())
    records, scores = [], []
    for name, given in methods.items():
        run = record(name, pairs, (kinds or {}).get(name, "learned"), (weights or {}).get(name))
        run["status"] = "ok" if given else "unavailable"
        records.append(run)
        scores += rows(run, given, profile)
    (built,) = build_boards(records, scores, metrics=metrics, profile=profile, cards=CARDS)
    return built
