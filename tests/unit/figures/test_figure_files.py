"""The files: embedded fonts, a white page, the same bytes for the same records; and the verb."""

import re
import subprocess
import sys

import pytest
from figure_samples import SCORES, store
from PIL import Image
from typer.testing import CliRunner

from fusionbench.cli.app import app

RECORD_KINDS = ("qualitative", "curves", "ranks", "tradeoff", "agreement")


@pytest.fixture
def runs(tmp_path):
    # agreement needs a second metric that every method has on every pair
    scores = {name: {"EN": s["EN"], "MSE": [v or 9.0 for v in s["MSE"]]} for name, s in SCORES.items()}
    return store(tmp_path / "runs", scores=scores)


def call(*arguments):
    return CliRunner().invoke(app, ["figure", *map(str, arguments)])


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("qualitative", "pdf"),
        ("curves", "svg"),
        ("ranks", "png"),
        *(
            pytest.param(kind, suffix, marks=pytest.mark.slow)
            for kind in RECORD_KINDS
            for suffix in ("pdf", "svg", "png")
            if (kind, suffix) not in (("qualitative", "pdf"), ("curves", "svg"), ("ranks", "png"))
        ),
    ],
)
def test_the_same_records_give_the_same_bytes(runs, tmp_path, kind, suffix):
    files = [tmp_path / f"{n}.{suffix}" for n in (1, 2)]
    for file in files:
        done = call(kind, runs, "-o", file, "--width", "one")
        assert done.exit_code == 0, done.stderr
        assert "4 pairs" in done.stdout
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_bytes()) > 1000


def test_pdf_fonts_are_embedded_true_type(runs, tmp_path):
    assert call("curves", runs, "-o", tmp_path / "f.pdf").exit_code == 0
    data = (tmp_path / "f.pdf").read_bytes()
    fonts = set(re.findall(rb"/Subtype /(\w*Type\w*)", data))
    assert fonts == {b"Type0", b"CIDFontType2"}  # what fonttype 42 makes of TrueType
    assert b"/FontFile2" in data
    assert b"/Type3" not in data
    assert b"CreationDate" not in data


def test_svg_needs_no_font_and_png_is_as_wide_as_asked(runs, tmp_path):
    assert call("curves", runs, "-o", tmp_path / "f.svg").exit_code == 0
    text = (tmp_path / "f.svg").read_text()
    assert "<text" not in text
    assert "Profile canonical" in text  # the caption, as metadata
    assert call("ranks", runs, "-o", tmp_path / "f.png", "--width", "one").exit_code == 0
    with Image.open(tmp_path / "f.png") as image:
        assert image.width == 3.5 * 300
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.slow
def test_pdf_holds_the_images_as_stored(runs, tmp_path):
    assert call("qualitative", runs, "-o", tmp_path / "f.pdf", "--images", "p1").exit_code == 0
    data = (tmp_path / "f.pdf").read_bytes()
    sizes = re.findall(rb"/Width (\d+)", data), re.findall(rb"/Height (\d+)", data)
    assert (b"60", b"40") in set(zip(*sizes, strict=True))


@pytest.mark.slow
def test_methods_and_data_can_be_chosen(runs, tmp_path):
    done = call(
        "tradeoff",
        runs,
        "-o",
        tmp_path / "f.svg",
        "-m",
        "ALPHA,beta",
        "--split",
        "test",
        "-d",
        "demo",
    )
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pie", "RUNS", "-o", "f.pdf"], "Unknown kind of figure 'pie'"),
        (["curve", "RUNS", "-o", "f.pdf"], "did you mean 'curves'"),
        (["curves", "RUNS", "-o", "f.jpg"], "cannot be written as 'f.jpg': end it in .pdf, .png, .svg"),
        (["curves", "RUNS", "-o", "f"], "cannot be written as 'f'"),
        (["curves", "nowhere", "-o", "f.pdf"], "No runs folder 'nowhere'"),
        (["curves", "RUNS", "-o", "f.pdf", "--metrics", "VIF"], "No VIF of The demo set"),
        (["curves", "RUNS", "-o", "f.pdf", "--metrics", "VIFFF"], "did you mean 'VIFF'"),
        (["curves", "RUNS", "-o", "f.pdf", "--profile", "yan2025"], "nothing is scored"),
        (["curves", "RUNS", "-o", "f.pdf", "--width", "wide"], "--width 'wide'"),
        (["curves", "RUNS", "-o", "f.pdf", "--zoom", "1,2,3,4"], "--zoom does nothing for a figure of curves"),
        (["cosine", "RUNS", "-o", "f.pdf", "--metrics", "EN"], "--metrics does nothing for a figure of cosine"),
        (["training", "RUNS", "-o", "f.pdf"], "No training log below"),
        (["qualitative", "RUNS", "-o", "f.pdf", "--images", "p9"], "Unknown image of The demo set"),
        (["qualitative", "RUNS", "-o", "f.pdf", "--zoom", "1,2"], "--zoom '1,2' is not a box"),
        (["ranks", "RUNS", "-o", "f.pdf", "-m", "alfa"], "did you mean 'alpha'"),
        (["ranks", "RUNS", "-o", "f.pdf", "-m", ","], "No record of method '' there: the folders hold alpha"),
        (["ranks", "RUNS", "-o", "f.pdf", "-d", "sar-opt"], "No record of data set 'sar-opt' there: the folders hold demo."),
        (["ranks", "RUNS", "-o", "f.pdf", "--split", "train"], "No record of split 'train' there: the folders hold test."),
        (["tradeoff", "RUNS", "-o", "f.pdf", "--cost", "macs"], "--profile-json"),
        (["tradeoff", "RUNS", "-o", "f.pdf", "--profile-json", "none.json"], "'none.json' is not a profile"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_one_sentence(runs, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = call(*[str(runs) if part == "RUNS" else part for part in arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("f*"))


def test_a_folder_that_cannot_be_written_to_is_an_error(runs, tmp_path):
    (tmp_path / "file").write_text("")
    done = call("curves", runs, "-o", tmp_path / "file" / "f.pdf")
    assert done.exit_code == 2
    assert "Cannot write" in done.stderr


def test_neither_torch_nor_pyplot_nor_pandas_is_loaded(runs, tmp_path):
    code = (
        "import sys; from fusionbench.cli.app import app\n"
        f"try: app(['figure', 'qualitative', {str(runs)!r}, '-o', {str(tmp_path / 'f.pdf')!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print([m for m in ('torch', 'pandas', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "f.pdf").exists()
