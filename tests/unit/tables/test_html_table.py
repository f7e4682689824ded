from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from layout_samples import tables
from report_samples import CARDS, of, record, scores, weird_leaderboard

from fusionbench.tables import build_tables, render
from fusionbench.tables.model import one_line


class Reader(HTMLParser):
    """Reads the rows of each table and checks that all elements are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tables, self.places, self.text = [], [], [], ""

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.places += [value for name, value in attributes if name in ("src", "href", "style", "onclick")]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.text, self.span = "", int(dict(attributes).get("colspan", 1))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.tables[-1][-1] += [self.text] + [None] * (self.span - 1)

    def handle_data(self, data):
        self.text += data


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert reader.places == []  # nothing is loaded
    assert all(len({len(row) for row in table}) == 1 for table in reader.tables)
    return reader.tables


def test_a_parser_reads_back_what_the_table_holds():
    (table,) = build_tables(*weird_leaderboard(), cards=CARDS)
    ((header, *body),) = read(render([table], "html"))
    assert header == ["Method", "EN ↑", "VIF ↑", "NABF ↓"]
    expected = [[row.label, *(cell.text for cell in row.cells)] for row in table.rows]
    expected[0][0] += "1"  # the marks of the footnotes
    expected[1][2] += "2"
    expected[4][2] += "3"
    expected = [[one_line(text) for text in row] for row in expected]
    assert body == [*expected[:3], ["Trivial baselines", None, None, None], *expected[3:]]


def test_best_is_bold_and_second_underlined():
    x, y = record("x"), record("y")
    text = render(build_tables([x, y], scores(of(x, {"VIF": 0.3}), of(y, {"VIF": 0.2})), cards=CARDS), "html")
    assert "<b>0.3000</b>" in text
    assert "<u>0.2000</u>" in text


def test_groups_and_leads_have_columns_of_their_own():
    for layout in ("datasets", "ablation", "transfer"):
        (table,) = tables(layout, spread="sd", significance=True, ranks=True)
        ((*_, last),) = read(render([table], "html"))
        assert len(last) == 1 + len(table.leads) + len(table.columns)


@settings(deadline=None)  # the first call loads the template
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_is_escaped(label, title):
    run = record("m", title=label or "m")
    run["dataset"]["title"] = title
    (table,) = build_tables([run], scores(of(run, {"VIF": 0.5})), cards=CARDS)
    ((_, body),) = read(render([table], "html"))
    assert body == [one_line(table.rows[0].label), "0.5000"]
