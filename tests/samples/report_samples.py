"""Made-up run records and scores in the form that the result store gives."""

from types import SimpleNamespace

import pandas as pd

COLUMNS = (
    "dataset", "split", "family", "method", "title", "kind", "run", "image", "metric", "version", "profile",
    "value", "status", "detail",
)  # fmt: skip


def card(name, better="higher", digits=4, version=1, per="image", bounds=(None, None)):
    return SimpleNamespace(
        name=name, title=f"{name} title", better=better, digits=digits, version=version, per=per, range=bounds
    )


CARDS = {
    "EN": card("EN"),
    "VIF": card("VIF"),
    "SCD": card("SCD"),
    "NABF": card("NABF", better="lower", digits=2),
}


def record(
    method="refinefuse",
    *,
    run=None,
    title=None,
    kind="learned",
    pairs=3,
    status="ok",
    detail="",
    finished="2026-01-02T03:04:05+00:00",
    weights=None,
    device="cpu",
    torch="2.15.0",
    color="luma",
    images=None,
    data="d" * 64,
    **dataset,
):
    """One run.json; ``dataset`` replaces entries of its data set part."""
    ids = [f"p{i}" for i in range(pairs)]
    return {
        "schema": 1,
        "id": run or f"run-{method}",
        "identity": {"method": {"name": method}, "data": data, "seed": 0, "protocol": {}},
        "dataset": {
            "name": "msrs", "title": "MSRS", "family": "ir-vis", "split": "test", "a": "infrared",
            "b": "visible", "pairs": pairs, "expected": pairs, "limit": None, "split_hash": "5" * 63 + "-",
            "ids": ids,
        } | dataset,
        "method": {"name": method, "title": title or method, "kind": kind, "color": color},
        "weights": weights or {"source": "none", "sha256": None, "file": None, "note": ""},
        "status": status,
        "detail": detail,
        "images": images or {},
        "provenance": {
            "fusionbench": "0.1.0", "versions": {"torch": torch}, "device": device, "finished": finished,
        },
    }  # fmt: skip


def scores(*parts):
    """A DataFrame of the rows that `of` gives."""
    return pd.DataFrame([row for part in parts for row in part], columns=COLUMNS)


def of(run, values, *, version=1, profile="canonical", reasons=None):
    """Score rows of one record: ``values`` maps a metric to one value per pair (or one for all of them).

    A value that is a string is a status; ``reasons`` maps it to the detail.
    """
    rows = []
    ids = run["dataset"]["ids"]
    for metric, given in values.items():
        for image, value in zip(ids, given if isinstance(given, list) else [given] * len(ids), strict=True):
            status = value if isinstance(value, str) else "ok"
            rows.append(
                {
                    "dataset": run["dataset"]["name"], "split": run["dataset"]["split"], "family": "ir-vis",
                    "method": run["method"]["name"], "title": run["method"]["title"],
                    "kind": run["method"]["kind"], "run": run["id"], "image": image, "metric": metric,
                    "version": version, "profile": profile,
                    "value": value if status == "ok" else float("nan"), "status": status,
                    "detail": (reasons or {}).get(status, ""),
                }
            )  # fmt: skip
    return rows


def weird_leaderboard():
    """Records and scores with everything that a renderer has to cope with."""
    shipped = {"source": "shipped", "sha256": "a" * 64, "note": "Trained on 10 % of a_b & c."}
    title = "[67] R|e_fine &\nFuse <50 %> $x^2$ `~#{}\\ --*"
    best = record("r|e*f_i[n]e", title=title, weights=shipped, expected=361)
    other = record("laplacian", kind="classical", expected=361)
    gone = record("absent", status="unavailable", detail="weights | missing_here: run `get`", expected=361)
    copy = record("visible", kind="trivial", expected=361, title="* visible")
    canary = record("noise", kind="trivial", expected=361, title="[noise]")
    reasons = {"failed": "disk | full_", "undefined": "fused equals source b"}
    table = scores(
        of(best, {"EN": 7.25, "VIF": [0.5, 0.25, "failed"], "NABF": 0.014}, reasons=reasons),
        of(other, {"EN": 6.5, "VIF": 0.75, "NABF": 0.006}),
        of(copy, {"EN": 7.25, "VIF": "undefined", "NABF": 0.5}, reasons=reasons),
        of(canary, {"EN": -1.0, "VIF": 0.5, "NABF": 0.0142}),
    )
    return [best, other, gone, copy, canary], table
