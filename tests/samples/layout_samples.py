"""Made-up records of variants, of grids, and of methods learned elsewhere, with random scores."""

import random

from report_samples import CARDS, of, record, scores

from fusionbench.tables.layouts import lay_out
from fusionbench.tables.style import TableStyle

TRAINED = {"source": "trained", "sha256": "a" * 64, "file": "w", "note": "trained on some pairs"}


def configured(method, args=None, **facts):
    made = record(method, title="CSP-MCIN", run=f"{method} on {facts.get('name', 'msrs')}", **facts)
    return made | {"config": {"args": args or {}, "stages": {"fuse": {"epochs": 10}}, "trainer": {}}}


def on(data, method, **facts):
    """A record on another data set."""
    return record(method, run=f"{method} on {data}", name=data, data=data * 8, **facts) | {}


def random_scores(records, metrics=("EN", "VIF")):
    parts = []
    for made in sorted(records, key=lambda made: made["id"]):
        draw = random.Random(made["id"])
        count = len(made["dataset"]["ids"])
        parts.append(of(made, {metric: [draw.random() for _ in range(count)] for metric in metrics}))
    return scores(*parts)


def ablation():
    return [
        configured("csp_mcin"),
        configured("csp_mcin@wo_hsfm", {"hsfm": False}),
        configured("csp_mcin@wo_l_sem", {"semantic": "none"}),
        configured("csp_mcin@only_l_dc", {"correlation": "direct", "semantic": "none"}),
        record("average", kind="trivial"),
    ]


def sensitivity():
    grid = [configured(f"csp_mcin@lambda_sar={value}", {"lambda_sar": value}) for value in (10, 0.2, 0.05)]
    return [*grid, configured("csp_mcin"), configured("csp_mcin@wo_hsfm", {"hsfm": False})]


def transfer():
    made = []
    for data in ("whu-opt-sar", "sen12"):
        facts = {"name": data, "data": data * 8, "weights": TRAINED, "title": "CSP-MCIN"}
        made += [
            record(f"csp_mcin@from={source}", run=f"{source} on {data}", **facts)
            for source in ("whu-opt-sar", "sen12", "qxs-saropt")
            if source != data
        ]
        made.append(record("csp_mcin", run=f"home on {data}", **facts))
    titles = {"whu-opt-sar": "WHU-OPT-SAR", "sen12": "SEN1-2"}
    return [r | {"dataset": r["dataset"] | {"title": titles[r["dataset"]["name"]]}} for r in made]


def several():
    made = [on(data, name) for data in ("tno", "msrs") for name in ("refinefuse", "dsifuse")]
    made.append(on("msrs", "average", kind="trivial"))
    return [r | {"dataset": r["dataset"] | {"title": r["dataset"]["name"].upper()}} for r in made]


SAMPLES = {
    "single": several, "datasets": several, "ablation": ablation, "transfer": transfer, "sensitivity": sensitivity,
}  # fmt: skip


def tables(layout, records=None, order=(), **style):
    records = SAMPLES[layout]() if records is None else records
    return lay_out(
        records, random_scores(records), TableStyle(layout=layout, **style), cards=CARDS, order=order
    )
