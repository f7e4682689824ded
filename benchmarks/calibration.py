"""Compare every definition of a metric with the code it reproduces and write docs/calibration.md.

    python benchmarks/calibration.py --golden ../shared/golden --data ../shared/data

The golden folder holds image triples and the values that the field's own code gave for them. Without it only the
patterns in tests/golden/synthetic are compared, and nothing is written.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fusionbench.data.images import read_image
from fusionbench.files import write_text
from fusionbench.metrics import definitions, profiles, score, score_definitions, sources

ROOT = Path(__file__).resolve().parents[1]
SYNTHETIC = ROOT / "tests/golden/synthetic"
PAGE = ROOT / "docs/calibration.md"
LIBRARIES = ROOT / "benchmarks/libraries.json"  # written by libraries.py

TANG23 = "Linfeng-Tang/Image-Fusion@dba5bf3 analysis_Reference.m (Octave)"
TANG22 = "Linfeng-Tang/Image-Fusion@53f5542(2022) analysis_Reference.m (Octave)"
FMI = (
    "Linfeng-Tang/Image-Fusion@dba5bf3 analysis_fmi.m w=3; numba transcription checked to 1e-12 against Octave; "
    "A=first source; "
)
CDD32 = "Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py (float32 0..255; image_read_cv2 GRAY)"
CDD64 = "Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py (inputs cast to float64)"
VIFB = "xingchenzhang/VIFB@22b2ea9 metrics/ (Octave)"
HAN = "HarrisXia/image-fusion-evaluation@35d35c0 VIFF_Public.m (Octave)"
LIU = "zhengliu6699/imageFusionMetrics@d6f7f1a (Octave)"
ZOO = "RollingPlain/IVIF_ZOO@61b0a44 Metric/Metric_torch.py as called by eval_torch.py (PIL L; float32 CPU)"
NESTFUSE = "hli1221/imagefusion-nestfuse analysis_metrics_7.m"
CSLIB = "CharlesShan-hub/cslib@26efdb4 cslib/metrics/collection (float32 [0;1] tensors)"

DOUBLE, SINGLE, VIF = (
    1e-9,
    2e-5,
    1e-10,
)  # relative agreement asked of float64, of float32, and of VIF in float64
NEAR_ZERO = 1e-12


class Claim(NamedTuple):
    """What a golden row is matched by: a definition, color made gray as ``profile`` does.

    ``swapped`` rows were computed with the second source first.
    """

    implementation: str
    row: str
    metric: str
    definition: str
    profile: str
    relative: float = DOUBLE
    swapped: bool = False


class Finding(NamedTuple):
    """A claim compared on one triple; ``difference`` is None where both sides have no number."""

    claim: Claim
    triple: str
    difference: float | None


def _profile_claims() -> Iterator[Claim]:
    """Yield what profiles claim of the repositories they are named after."""
    wholes = (("tang2023", TANG23, DOUBLE), ("tang2022", TANG22, DOUBLE), ("vifb", VIFB, DOUBLE))
    for name, implementation, relative in (*wholes, ("cddfuse", CDD32, SINGLE), ("cddfuse", CDD64, DOUBLE)):
        for metric, definition in profiles()[name].metrics.items():
            asked = VIF if metric == "VIF" and relative == DOUBLE else relative
            yield Claim(implementation, metric, metric, definition, name, asked)
    for suffix, row, name in (
        ("feature none (raw pixels); no toolbox caller uses it by default", "FMI_pixel", "FMI_pixel"),
        ("x-derivative only (MATLAB gradient first output)", "FMI_gradient", "FMI_gradient"),
        ("whole-image orthonormal DCT-II", "FMI_dct", "FMI_dct"),
        ("dmey 102 taps; symmetric extension; 4 subbands tiled; min-max rescaled", "FMI_w", "FMI_wavelet"),
    ):
        yield Claim(FMI + suffix, row, name, "shared-window", "tang2023")


def _toolbox_claims() -> Iterator[Claim]:
    """Yield the metrics of Liu's toolbox, and what IVIF_ZOO computes under the names of some of them."""
    for file, row, metric, definition in (
        ("metricMI.m sw=1", "QMI", "QMI", "canonical"),
        ("metricMI.m sw=3 (q=0.43137)", "QTE", "QTE", "transposed-marginals"),
        ("metricMI.m sw=2 (q=1.85)", "QTE_cvejic", "QTE", "cvejic"),
        ("metricWang.m", "QNCIE", "QNCIE", "canonical"),
        ("metricXydeas.m", "QG", "QG", "canonical"),
        ("metricPWW.m", "QM", "QM", "canonical"),
        ("metricZheng.m", "QSF", "QSF", "signed"),
        ("metricZhao.m", "QP", "QP", "canonical"),
        ("metricPeilla.m sw=1", "QS", "QS", "canonical"),
        ("metricPeilla.m sw=2", "QS_weighted", "QS", "weighted"),
        ("metricCvejic.m sw=2", "QC", "QC", "clamped-product"),
        ("metricYang.m", "QY", "QY", "unguarded"),
        ("metricChen.m", "QCV", "Qcv", "canonical"),
        ("metricChenBlum.m", "QCB", "Qcb", "canonical"),
    ):
        yield Claim(f"{LIU} {file}", row, metric, definition, "liu2012")
    yield Claim(
        f"{LIU} metricCvejic.m sw=2 called (B;A;F)", "QC", "QC", "clamped-product", "liu2012", swapped=True
    )
    # most of its pixels contribute one step of float32 next to 1
    yield Claim(ZOO, "Cross_entropy", "Cross_entropy", "sigmoid", "canonical", 5e-5)
    for metric, definition in (
        ("Edge_intensity", "zero-padded"),
        ("QTE", "shannon"),
        ("QNCIE", "pearson"),
        ("QY", "window-of-sum-7"),
        ("Qcb", "half-frequency"),
    ):
        yield Claim(ZOO, metric, metric, definition, "canonical", SINGLE)


CLAIMS = (
    *_profile_claims(),
    *_toolbox_claims(),
    Claim(f"{TANG23} = MEF-SSIM 3 scales", "MS_SSIM", "MS-SSIM", "mef", "tang2023"),
    Claim(
        f"{TANG23} + MATLAB-ssim emulation; L=1 on 0..255 data",
        "SSIM",
        "SSIM",
        "matlab-l1",
        "tang2023",
        SINGLE,
    ),
    Claim(
        f"{TANG23} analysis_nabf.m with its documented order (fused;img1;img2); 0..255",
        "Nabf",
        "Nabf",
        "canonical",
        "tang2023",
    ),
    Claim(
        f"{TANG23} as called: analysis_nabf(img1;img2;fused) = arguments swapped",
        "Nabf",
        "Nabf",
        "swapped",
        "tang2023",
    ),
    Claim(f"{TANG22} reported as SSIM", "MEF_SSIM", "SSIM", "mef-one-scale", "tang2022"),
    Claim(f"{TANG22} analysis_nabf(fused;img1;img2) on 0..1", "Nabf", "Nabf", "unit-range", "tang2022"),
    Claim(
        "Linfeng-Tang/Image-Fusion@dba5bf3 vifp_mscale.m called on [0;1] doubles; summed (Octave)",
        "VIF",
        "VIF",
        "unit-range",
        "tang2023",
    ),
    Claim(f"{CDD32} reported as VIF", "VIFF", "VIF", "one-for-flat", "cddfuse", SINGLE),
    Claim(f"{CDD64} reported as VIF", "VIFF", "VIF", "one-for-flat", "cddfuse", VIF),
    Claim(f"{CDD32} + scikit-image 0.19.2 (data_range=2)", "SSIM", "SSIM", "skimage-l2", "cddfuse", SINGLE),
    Claim(f"{CDD32} + scikit-image data_range=255", "SSIM", "SSIM", "skimage", "cddfuse", SINGLE),
    Claim(f"{CDD64} + scikit-image 0.19.2 (data_range=2)", "SSIM", "SSIM", "skimage-l2", "cddfuse", SINGLE),
    Claim(f"{CDD64} + scikit-image data_range=255", "SSIM", "SSIM", "skimage", "cddfuse", SINGLE),
    Claim(HAN, "VIFF", "VIFF", "canonical", "tang2023"),
    Claim(f"{LIU} metricMI.m sw=1", "NMI", "NMI", "canonical", "tang2023"),
    Claim(f"{LIU} metricXydeas.m", "Qabf", "Qabf", "mean-of-ratios", "tang2023"),
    Claim(f"{NESTFUSE} (Octave) analysis_sd: no division by N", "SD", "SD", "undivided", "tang2023"),
    Claim(
        f"{NESTFUSE} (MATLAB-ssim emulation; L=1 on 0..1 data; mean)", "SSIM", "SSIM", "matlab", "tang2023"
    ),
    Claim(CSLIB, "MS_SSIM", "MS-SSIM", "mean-zero-padded", "tang2023", SINGLE),
)

ROUNDED = "windows that are flat but for rounding: each implementation follows its own last digits"
BLACK = "black over more than 31 pixels: contrast there is a ratio of rounding errors"
FLOAT32_BLACK = f"{BLACK}, in float32 there"
FLAT = "in flat patches that are not black the sign of the weight is rounding"
SINGULAR = "a singular matrix: IVIF_ZOO's eigenvalue of 0 comes out below it, or not, as rounding decides"
BLACK_TRIPLES = (
    "medical_max",
    "med_mri_ct_11_max",
    "med_mri_pet_32_lap",
    "med_mri_spect_47_mean",
    "deg_saturated_255",
)
# (metric, or "metric: definition", and triple): what is allowed instead, None where the reference's value is rounding noise, and why
EXCEPTIONS: dict[tuple[str, str], tuple[float | None, str]] = {
    ("VIF", "saturated"): (1e-8, ROUNDED),
    ("VIF", "medical_max"): (1e-9, ROUNDED),
    ("VIF", "ivif_tno01_seafusion"): (2e-9, ROUNDED),
    ("VIF", "ivif_road_483x227_lap"): (1e-9, ROUNDED),
    ("VIF", "deg_saturated_255"): (1e-5, ROUNDED),
    ("VIFF", "deg_saturated_255"): (2e-2, f"{ROUNDED}; the value itself is 3e-5"),
    ("SSIM", "saturated"): (2e-3, "the cast to float64 takes away rounding that the evaluator's float32 has"),
    ("SSIM", "deg_saturated_255"): (
        2e-3,
        "the cast to float64 takes away rounding that the evaluator's float32 has",
    ),
    ("SD", "deg_const_fused128"): (None, "0 here, rounding noise of 7e-11 there"),
    ("MS-SSIM", "deg_const_fused128"): (5e-5, "float32 there"),
    ("Qcb", "medical_max"): (2e-5, BLACK),
    ("Qcb", "med_mri_ct_11_max"): (4e-7, BLACK),
    ("Qcb", "med_mri_pet_32_lap"): (4e-3, BLACK),
    ("Qcb", "med_mri_spect_47_mean"): (7e-4, BLACK),
    ("Qcb", "deg_saturated_255"): (1e-6, BLACK),
    **dict.fromkeys((("Qcb: half-frequency", triple) for triple in BLACK_TRIPLES), (None, FLOAT32_BLACK)),
    ("QC", "ivif_road_483x227_lap"): (5e-2, FLAT),
    ("QC", "ivif_tno01_seafusion"): (5e-2, FLAT),
    ("QC", "ivif_tno05_fusiongan"): (5e-3, FLAT),
    ("QC", "color_vifb_carwhite_gff"): (None, f"{FLAT}, or leaves it 0/0"),
    ("QC", "deg_saturated_255"): (None, f"{FLAT}, or leaves it 0/0"),
    ("QY", "color_vifb_carwhite_gff"): (1e-4, FLAT),
    ("QY", "deg_saturated_255"): (0.2, FLAT),
    ("QS", "color_vifb_carwhite_gff"): (1e-4, FLAT),
    ("QNCIE: pearson", "inverse_b"): (None, SINGULAR),
    ("QNCIE: pearson", "all_identical"): (None, SINGULAR),
    ("Cross_entropy: sigmoid", "color_vifb_carwhite_gff"): (
        2e-3,
        "Pillow's gray there, which is a level off",
    ),
    ("FMI_wavelet", "med_mri_ct_11_max"): (5e-6, ROUNDED),
    ("FMI_wavelet", "med_mri_pet_32_lap"): (5e-6, ROUNDED),
    ("FMI_wavelet", "med_mri_spect_47_mean"): (5e-6, ROUNDED),
    ("FMI_wavelet", "color_vifb_carwhite_gff"): (5e-6, ROUNDED),
    ("FMI_wavelet", "ivif_road_483x227_lap"): (5e-9, ROUNDED),
    ("FMI_wavelet", "deg_const_fused128"): (None, "the coefficients of a constant image are rounding noise"),
    ("FMI_wavelet", "deg_saturated_255"): (
        None,
        "most coefficients of an image of two levels are rounding noise",
    ),
}


def compare(folder: Path, without: Container[str] = ()) -> Iterator[Finding]:
    """Yield the difference of every claim, but those of metrics left out, on every triple of a golden folder."""
    claims = defaultdict(list)
    for claim in CLAIMS:
        if claim.metric in without:
            continue
        claims[claim.implementation, claim.row].append(claim)
    rows = golden_rows(folder)
    for triple in dict.fromkeys(row["triple"] for row in rows):
        known = {}
        a, b, fused = (read_image(folder / "images" / f"{triple}_{which}.png") for which in "ABF")
        pairs = {False: sources(a, b), True: sources(b, a)}
        for row in (row for row in rows if row["triple"] == triple):
            for claim in claims[row["implementation"], row["metric"]]:
                key = (claim.metric, claim.definition, claim.profile, claim.swapped)
                if key not in known:
                    definition = definitions(claim.metric)[claim.definition]
                    (known[key],) = score_definitions(
                        pairs[claim.swapped], fused, [definition], claim.profile
                    )
                yield Finding(claim, triple, relative_difference(known[key].value, float(row["value"])))


def golden_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a golden folder, and of the metrics added later, whose values lie in a file of their own."""
    later = (folder / "golden_more.csv", folder.parent / f"more/golden_more_{folder.name}.csv")
    rows = []
    for path in (folder / "golden.csv", *filter(Path.is_file, later)):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    return rows


def relative_difference(ours: float | None, reference: float) -> float | None:
    """Return the relative difference, 0 for one below 1e-12, infinity where one side alone has a number."""
    if ours is None or not math.isfinite(reference):
        return None if ours is None and not math.isfinite(reference) else math.inf
    difference = abs(ours - reference)
    return 0.0 if difference <= NEAR_ZERO else difference / abs(reference) if reference else math.inf


def noted(finding: Finding) -> bool:
    """Tell whether a finding is further off than asked on a triple that is among the exceptions."""
    return (
        exception(finding) is not None
        and finding.difference is not None
        and finding.difference > finding.claim.relative
    )


def exception(finding: Finding) -> tuple[float | None, str] | None:
    """Return what is allowed of a finding's definition, or of its metric, on its triple."""
    claim = finding.claim
    own = EXCEPTIONS.get((f"{claim.metric}: {claim.definition}", finding.triple))
    return own or EXCEPTIONS.get((claim.metric, finding.triple))


def holds(finding: Finding) -> bool:
    """Tell whether a finding is within what is asked of it."""
    if finding.difference is None:
        return True
    if not noted(finding):
        return finding.difference <= finding.claim.relative
    bound, _ = exception(finding)
    return bound is None or finding.difference <= bound


def within(difference: float) -> str:
    """Return a bound of a difference in powers of ten, which does not change from machine to machine."""
    return "1e-12" if difference <= NEAR_ZERO else f"1e{math.ceil(math.log10(difference)):+03d}"


def lines(findings: Iterable[Finding]) -> list[str]:
    """Return the rows of the page's table: one a claim, by metric and definition."""
    by_claim: dict[Claim, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_claim[finding.claim].append(finding)
    order = list(dict.fromkeys(metric for profile in profiles().values() for metric in profile.metrics))
    ranked = sorted(
        by_claim, key=lambda c: (order.index(c.metric), c.definition != "canonical", c.definition)
    )
    return [_line(claim, by_claim[claim]) for claim in ranked]


def _line(claim: Claim, findings: list[Finding]) -> str:
    worst = max((f.difference for f in findings if f.difference is not None and not noted(f)), default=0.0)
    nowhere = sum(f.difference is None for f in findings)
    users = [p.name for p in profiles().values() if p.metrics.get(claim.metric) == claim.definition]
    verdict = "agrees" if all(map(holds, findings)) else "**differs**"
    exceptions = sum(map(noted, findings))
    cells = (
        claim.metric,
        f"`{claim.definition}`",
        ", ".join(users) or "–",
        claim.implementation.replace("|", " "),
        f"{len(findings)}" + (f" ({nowhere} undefined in both)" if nowhere else ""),
        within(worst),
        verdict + (f", {exceptions} noted below" if exceptions else ""),
    )
    return f"| {' | '.join(cells)} |"


class Published(NamedTuple):
    """A column of published per-image values and the profile that gives it."""

    file: str
    profile: str
    metrics: dict[str, float]  # asked relative difference


SHEETS = (
    Published(
        "published_tno/metrics_published_per_image.csv",
        "tang2022",
        {
            **dict.fromkeys(("EN", "MSE", "PSNR", "SF", "AG", "CC", "SCD"), DOUBLE),
            **dict.fromkeys(("MI", "SD", "VIF"), 1e-6),
            "Qabf": 0.035,  # 0.02 absolute: on [0, 1] MATLAB's rounding differs from Octave's
        },
    ),
    Published(
        "anchors/refinefuse_convention_tno42_per_image.csv",
        "refinefuse",
        {**dict.fromkeys(("EN", "SF", "AG", "SCD", "Qabf"), DOUBLE), "VIF": 1e-7, "SSIM": SINGLE},
    ),
)


def compare_sheet(sheet: Published, golden: Path, data: Path, every: int = 1) -> dict[str, list[float]]:
    """Return the relative differences to a sheet by metric, on the published images that lie in ``golden``."""
    with (golden / sheet.file).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    differences: dict[str, list[float]] = {metric: [] for metric in sheet.metrics}
    for row in rows:
        method, name = row.get("method") or row["algorithm"], Path(row["image"]).stem + ".png"
        fused = golden / "published_tno" / method / name
        if not fused.is_file() or int(Path(name).stem) % every:
            continue
        images = (read_image(data / "TNO/ir" / name), read_image(data / "TNO/vi" / name), read_image(fused))
        for metric, ours in score(*images, metrics=list(sheet.metrics), profile=sheet.profile).items():
            differences[metric].append(relative_difference(ours.value, float(row[metric])))
    return differences


def sheet_lines(sheet: Published, differences: dict[str, list[float]]) -> list[str]:
    """Return the rows of the page's table of one sheet."""
    rows = []
    for metric, asked in sheet.metrics.items():
        worst = max(differences[metric])
        verdict = "agrees" if worst <= asked else "**differs**"
        rows.append(
            f"| {sheet.profile} | {metric} | {len(differences[metric])} | {within(worst)} | {verdict} |"
        )
    return rows


HEAD = """# Calibration

Written by `python benchmarks/calibration.py --golden GOLDEN --data DATA`; do not edit. The golden folder holds image
triples (patterns, infrared-visible, medical, SAR-optical and degenerate ones) with the values that the field's own
code gave for them. A row says how far a definition of ours is from that code at most, as a relative difference (an
absolute one below 1e-12 counts as none) rounded up to a power of ten. Asked are 1e-9, 1e-10 for VIF, and 2e-5 of code
that computes in float32. Where the code gives no number, ours must be undefined.

| metric | definition | used by profiles | reference | triples | largest difference | verdict |
|---|---|---|---|---|---|---|
"""
SHEET_HEAD = """
## Published values per image

`tang2022` against the sheet that the toolbox's author published for TNO (made with MATLAB), and `refinefuse` against
the values whose means are RefineFuse's printed TNO rows, on the published images of DenseFuse and SeAFusion. The
sheet's Qabf, SD, MI and VIF come from saturating or [0, 1] arithmetic; its Qabf depends on MATLAB's rounding, and 0.02
is allowed there.

| profile | metric | images | largest difference | verdict |
|---|---|---|---|---|
"""
NOTES_HEAD = """
## Noted

Where a definition is further off than asked on one of these triples, the difference is left out of the table and held
to the bound given here.

| metric | triple | held to | why |
|---|---|---|---|
"""
LIBRARY_HEAD = """
## Libraries

What libraries of image metrics give for one source and the fused image, against our definition of it, on up to ten triples
and both sources of each: the largest relative difference, up to a power of ten. 1e-7 to 1e-4 is float32, which the library
computes in (VIF, whose variances are differences of large numbers, loses more). Written by
`python benchmarks/libraries.py --golden GOLDEN` on {date}, with the versions in the table;
[metrics.md](metrics.md#what-libraries-compute) has the calls.

"""
NOT_CLAIMED = """
## Not claimed

- **FMI on edge maps** (what Tang's driver prints as FMI_pixel): MATLAB's edge function could only be rebuilt, and the
  values in the golden folder are marked as not validated.
- **IVIF_ZOO (but for its CE, EI, TE, QNCIE, Qy and Qcb, above), cslib, the PyTorch port by Topanxal**: float32 code with
  constants of its own added inside roots and logarithms. What their conventions change is among the definitions that `fusionbench explain` ranks; no profile
  reproduces them.
- **pyiqa on color**: its own luma of YIQ, rounded; the comparison above is of one channel.
- **MATLAB's ssim** was emulated in Octave for the golden values, so agreement is with that emulation.
"""


def library_lines(result: dict[str, Any]) -> list[str]:
    """Return the table of libraries: a row a definition, a column a library with its version."""
    versions, calls = result["versions"], result["calls"]
    columns = [library for library in versions if any(call["library"] == library for call in calls)]
    rows = dict.fromkeys((call["metric"], call["definition"]) for call in calls)
    table = [["metric", "definition", *(f"{library} {versions[library]}" for library in columns)]]
    for metric, definition in rows:
        own = {c["library"]: c for c in calls if (c["metric"], c["definition"]) == (metric, definition)}
        cells = (within(own[library]["difference"]) if library in own else "" for library in columns)
        table.append([metric, f"`{definition}`", *cells])
    lines = [f"| {' | '.join(row)} |" for row in table]
    return [lines[0], "|---" * len(table[0]) + "|", *lines[1:]]


def page(findings: Iterable[Finding], sheets: Iterable[str]) -> str:
    """Return the page as Markdown."""
    notes = [
        f"| {metric} | {triple} | {'not compared' if bound is None else f'{bound:g}'} | {why} |"
        for (metric, triple), (bound, why) in EXCEPTIONS.items()
    ]
    parts = (HEAD, *(f"{line}\n" for line in lines(findings)), NOTES_HEAD, *(f"{line}\n" for line in notes))
    result = json.loads(LIBRARIES.read_text(encoding="utf-8"))
    libraries = (LIBRARY_HEAD.format(**result), *(f"{line}\n" for line in library_lines(result)))
    return "".join((*parts, SHEET_HEAD, *(f"{line}\n" for line in sheets), *libraries, NOT_CLAIMED))


def main() -> None:
    """Compare, write the page, and exit with 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", type=Path, help="the folder with real/, published_tno/ and anchors/")
    parser.add_argument("--data", type=Path, help="the folder with the data set TNO")
    parser.add_argument("-o", "--output", type=Path, default=PAGE)
    given = parser.parse_args()
    findings = list(compare(SYNTHETIC))
    if given.golden is None or given.data is None:
        print("\n".join(lines(findings)))
        print("Patterns only, nothing written: give --golden and --data for the whole page.")
    else:
        findings += compare(given.golden / "real")
        compared = [
            line for s in SHEETS for line in sheet_lines(s, compare_sheet(s, given.golden, given.data))
        ]
        write_text(given.output, page(findings, compared))
        print(f"Wrote {given.output}.")
    for finding in findings:
        if not holds(finding):
            print(
                f"{finding.claim.metric} {finding.claim.definition} on {finding.triple}: {finding.difference}"
            )
    raise SystemExit(0 if all(map(holds, findings)) else 1)


if __name__ == "__main__":
    main()
