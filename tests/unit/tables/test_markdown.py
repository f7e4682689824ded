from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_samples import CARDS, of, record, scores, weird_leaderboard
from rich.cells import cell_len

from fusionbench.tables import build_tables, render
from fusionbench.tables.model import one_line

PARSER = MarkdownIt("commonmark").enable("table")


def parse(text):
    """Return the rows of each table as lists of plain texts, read by a CommonMark parser."""
    tables, row = [], []
    tokens = PARSER.parse(text)
    for i, token in enumerate(tokens):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            row = []
        elif token.type in ("th_open", "td_open"):
            row.append(plain(tokens[i + 1]))
        elif token.type == "tr_close":
            tables[-1].append(row)
    return tables


def plain(inline):
    return "".join(child.content for child in inline.children or [] if child.type != "html_inline")


def markdown_lines(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_a_parser_reads_back_what_the_table_holds():
    (table,) = build_tables(*weird_leaderboard(), cards=CARDS)
    ((header, *body),) = parse(render([table], "md"))
    assert header == ["Method", "EN ↑", "VIF ↑", "NABF ↓"]
    numbered = {"absent": "1"}
    expected = [[row.label, *(cell.text for cell in row.cells)] for row in table.rows]
    methods, baselines = expected[:3], expected[3:]
    methods[0][0] += numbered["absent"]  # the mark of its footnote
    methods[1][2] += "2"
    baselines[1][2] += "3"
    expected = [*methods, ["Trivial baselines", "", "", ""], *baselines]
    assert body == [[one_line(text) for text in row] for row in expected]


def test_best_is_bold_and_second_underlined():
    x, y, z = (record(name) for name in "xyz")
    table = scores(of(x, {"VIF": 0.3}), of(y, {"VIF": 0.2}), of(z, {"VIF": 0.29999}))
    *_, first, second, third = markdown_lines(render(build_tables([x, y, z], table, cards=CARDS), "md"))
    assert "**0.3000**" in first
    assert "<u>0.2000</u>" in second
    assert "**0.3000**" in third


def test_columns_are_aligned():
    lines = markdown_lines(render(build_tables(*weird_leaderboard(), cards=CARDS), "md"))
    assert len({cell_len(line) for line in lines}) == 1
    assert set(lines[1]) == set("|-: ")


def test_footnotes_and_caption_stand_below():
    text = render(build_tables(*weird_leaderboard(), cards=CARDS), "md")
    assert "3 of 361 pairs (split hash 55555555" in text
    assert r"<sup>2</sup> VIF failed on 1 of 3 pairs: disk \| full\_." in text
    assert text.startswith("### MSRS, test split, 3 of 361 pairs\n\n| Method")
    assert text.endswith(".\n")


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_survives(label, title):
    run = record("m", title=label or "m")
    run["dataset"]["title"] = title
    (table,) = build_tables([run], scores(of(run, {"VIF": 0.5})), cards=CARDS)
    text = render([table], "md")
    ((_, body),) = parse(text)
    assert body == [one_line(table.rows[0].label), "0.5000"]
    paragraphs = [t.content for t in PARSER.parse(text) if t.type == "inline"]
    tokens = {t.type for t in PARSER.parse(text)}
    assert not tokens & {"bullet_list_open", "ordered_list_open", "html_block", "code_block", "fence", "hr"}
    assert len(paragraphs) == 2 * 2 + 2  # four cells, the heading and the caption
