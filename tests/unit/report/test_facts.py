import pytest
from page_samples import group_of, record

from fusionbench.report.facts import doi_link, method_facts, metric_facts, web_link

SIX = {"EN": [1, 2, 3, 4, 5, 6]}


@pytest.mark.parametrize(
    ("doi", "link"),
    [
        ("10.1007/s44267-025-00087-w", "https://doi.org/10.1007/s44267-025-00087-w"),
        ("https://doi.org/10.1000/a b", None),
        ('10.1000/"><script>', "https://doi.org/10.1000/%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_a_doi_becomes_an_address_and_nothing_else_does(doi, link):
    assert doi_link(doi) == link


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//host", "http:", "http://[", None]
)
def test_only_web_addresses_are_linked(address):
    assert web_link(address) is None


def test_a_web_address_is_kept():
    assert web_link(" https://example.org/a?b ") == "https://example.org/a?b"


def test_a_registered_method_has_its_card_and_others_the_facts_of_their_records():
    facts = method_facts([group_of((record("average", kind="trivial"), SIX), (record("./mine.py"), SIX))])
    cards = {entry.name: entry.card for entry in facts}
    assert cards["average"].kind == "trivial"
    assert cards["./mine.py"] is None


def test_a_variant_has_the_card_of_its_method_and_shows_its_arguments():
    run = record("laplacian_pyramid@few")
    run["identity"]["arguments"] = {"levels": 3, "text": "ß"}
    (entry,) = method_facts([group_of((run, SIX))])
    assert entry.card is not None
    assert entry.runs[0].arguments == 'levels=3, text="ß"'


def test_metrics_are_described_by_every_profile_that_shows_them():
    (entry,) = metric_facts([group_of((record(), SIX)).first])
    assert (entry.name, entry.better) == ("EN", "higher")
    assert [profile for profile, _ in entry.texts] == ["canonical"]
    assert entry.texts[0][1]
