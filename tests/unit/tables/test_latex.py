import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layout_samples import SAMPLES
from layout_samples import tables as tables_of
from report_samples import CARDS, of, record, scores, weird_leaderboard

from fusionbench.tables import build_tables, render
from fusionbench.tables.formats.latex import escape
from fusionbench.tables.model import one_line

TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.", re.DOTALL)
# the words of LaTeX itself and of booktabs that a table may use, with what they print
PRINTS = {
    r"\textbackslash": "\\", r"\textasciitilde": "~", r"\textasciicircum": "^", r"\textless": "<",
    r"\textgreater": ">", r"\textbar": "|", r"\`": "`", r"\textendash": "–",
    r"\textemdash": "—", r"\ldots": "…", r"\uparrow": "↑", r"\downarrow": "↓", r"\times": "×", r"\pm": "±",
    r"\surd": "✓", r"\dagger": "†",
}  # fmt: skip
LAYOUT = {
    r"\begin", r"\end", r"\centering", r"\small", r"\caption", r"\label", r"\toprule", r"\midrule",
    r"\bottomrule", r"\textbf", r"\underline", r"\textsuperscript", r"\par", r"\smallskip", r"\linewidth",
    r"\footnotesize", r"\raggedright", r"\setlength", r"\tabcolsep", r"\textit", r"\scriptsize", r"\tiny",
    r"\multicolumn", r"\cmidrule", r"\cite", r"\medskip", r"\addtocounter", r"\allowbreak",
}  # fmt: skip
ESCAPED = {f"\\{char}" for char in "&%$#_{}"}


class StrictParser:
    """Reads one document and raises AssertionError on what LaTeX would stumble over."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.environments, self.depth, self.math, self.tables = [], 0, False, []
        self.row = self.rows = None
        self.outside = 0  # braces open around the tabular

    def parse(self):
        for i, token in enumerate(self.tokens):
            self.check(i, token)
        assert self.environments == []
        assert self.depth == 0
        assert not self.math
        return self.tables

    def check(self, i, token):
        if token in ("{", "}"):
            self.depth += 1 if token == "{" else -1
            assert self.depth >= 0
        elif token in (r"\begin", r"\end"):
            self.environment(token, "".join(self.tokens[i + 2 : self.tokens.index("}", i)]))
        elif token == "$":
            self.math = not self.math
        elif token == "&":
            assert self.rows is not None
            assert self.depth == self.outside
            self.row += 1
        elif token == r"\multicolumn":
            self.row += int(self.argument(i)) - 1
        elif token == r"\\":
            self.end_row(i)
        elif token.startswith("\\"):
            assert token in PRINTS or token in LAYOUT or token in ESCAPED, token
            symbols = (r"\uparrow", r"\downarrow", r"\times", r"\pm", r"\$", r"\surd", r"\dagger")
            assert self.math == (token in symbols)
            if token == r"\cmidrule":
                self.short_rule(i)
        elif token == "%":
            assert self.tokens[i - 1] == "{"  # ends a line without a blank, behind an opening brace only
            assert self.tokens[i + 1] == "\n"
        else:
            assert token not in "%#_^~", token

    def environment(self, token, name):
        if token == r"\begin":
            self.environments.append(name)
        else:
            assert self.environments.pop() == name
        if name == "tabular" and token == r"\begin":
            self.row, self.rows, self.outside = 0, [], self.depth
        elif name == "tabular":
            assert self.row == 0, "a row without an end"
            assert len(set(self.rows)) == 1, "rows of different length"
            assert self.depth == self.outside
            self.tables.append(self.rows)
            self.rows, self.outside = None, 0

    def argument(self, i):
        """Return the text of the first argument in braces behind a token."""
        start = self.tokens.index("{", i)
        return "".join(self.tokens[start + 1 : self.tokens.index("}", start)])

    def short_rule(self, i):
        """A rule below some columns of the row above."""
        first, last = map(int, self.argument(i).split("-"))
        assert self.row == 0
        assert 1 <= first <= last <= self.rows[-1] + 1

    def end_row(self, i):
        assert self.rows is not None
        assert self.depth == self.outside
        assert not self.math
        following = next(token for token in self.tokens[i + 1 :] if not token.isspace())
        assert following not in "[*", "a row end takes this as its own argument"
        self.rows.append(self.row)
        self.row = 0


def unescape(text):
    """Return what LaTeX prints, for text that `escape` made."""
    out = []
    for token in TOKEN.findall(text):
        if token in PRINTS:
            out.append(PRINTS[token])
        elif token in ESCAPED:
            out.append(token[1])
        elif token not in ("{", "}", "$"):
            assert not token.startswith("\\"), token
            out.append(token)
    return "".join(out)


def parse(text):
    return StrictParser(text).parse()


def test_the_weird_leaderboard_is_sound_latex():
    text = render(build_tables(*weird_leaderboard(), cards=CARDS), "tex")
    assert parse(text) == [[3] * 6]  # a header and five rows with three & each
    assert text.count(r"\midrule") == 2
    assert r"NABF $\downarrow$ \\" in text
    assert r"\textbf{7.2500}" in text
    assert r"\underline{6.5000}" in text
    assert r"-- (2/3)\textsuperscript{2}" in text
    assert r"\textsuperscript{2} VIF failed on 1 of 3 pairs: disk \textbar{} full\_.\par" in text
    assert "Weights: as they come with fusionbench." in text


@pytest.mark.parametrize(
    "broken",
    [
        r"\begin{tabular}{lr} a & b & c \\ d & e \\ \end{tabular}",
        r"\begin{tabular}{lr} a & b \end{tabular}",
        r"\begin{tabular}{lr} a & b \\ [x] & c \\ \end{tabular}",
        r"\begin{table}\end{tabular}",
        r"\begin{tabular}{lr} a & \multicolumn{2}{c}{b} \\ c & d \\ \end{tabular}",
        r"\begin{tabular}{lr} a & b \\ \cmidrule(lr){2-3} \end{tabular}",
        r"\textbf{a", "50 % off", "a_b", r"\foo", "a & b", "$x", "$x^2$",
    ],
)  # fmt: skip
def test_the_parser_of_these_tests_is_strict(broken):
    with pytest.raises(AssertionError):
        parse(broken)


@given(st.text(max_size=60) | st.text(alphabet="-–—`\\{}[]*$%&#_^~<>|…×±↑✓†", max_size=20))
def test_escaped_text_is_sound_and_prints_as_it_stands(text):
    escaped = escape(text)
    assert parse(escaped) == []
    assert unescape(escaped) == one_line(text)
    assert "--" not in escaped  # would print a dash
    assert "``" not in escaped  # would print a quotation mark


@given(st.text(max_size=30))
def test_any_name_leaves_the_table_sound(label):
    x, y = record("x", title=label or "x"), record("y", title=f"*{label}")
    table = scores(of(x, {"VIF": 0.5}), of(y, {"VIF": -0.5}))
    assert parse(render(build_tables([x, y], table, cards=CARDS), "tex")) == [[1] * 3]


def test_labels_are_unique_within_a_document():
    runs = [record("x"), record("x", data="e" * 64), record("x", name="harvard-mri-pet")]
    text = render(build_tables(runs, scores(*(of(run, {"VIF": 0.5}) for run in runs)), cards=CARDS), "tex")
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(set(labels)) == len(labels) == 3
    assert "tab:harvard-mri-pet-test" in labels


def engine():
    return next(filter(shutil.which, ("pdflatex", "xelatex", "lualatex", "tectonic")), None)


@pytest.mark.skipif(engine() is None, reason="no TeX engine on PATH")
def test_a_tex_engine_compiles_it_with_booktabs_alone(tmp_path):
    layouts = [
        table for layout in SAMPLES for table in tables_of(layout, spread="ci", significance=True, ranks=True)
    ]
    tables = render([*build_tables(*weird_leaderboard(), cards=CARDS), *layouts], "tex")
    lines = [r"\documentclass{article}\usepackage{booktabs}", r"\begin{document}", tables, r"\end{document}"]
    (tmp_path / "table.tex").write_text("\n".join(lines), encoding="utf-8")
    options = [] if engine() == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    result = subprocess.run([engine(), *options, "table.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000
