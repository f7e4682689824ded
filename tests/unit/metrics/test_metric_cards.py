"""The cards: read without torch, true to the decorated functions, and complete."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import fusionbench.metrics
from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.metrics import (
    CANONICAL,
    DEFAULT,
    MetricCard,
    cards,
    definition_of,
    definitions,
    profiles,
    resolve,
    resolve_profile,
)
from fusionbench.metrics.registry import function_of

PACKAGE = Path(fusionbench.metrics.__file__).parent
DOCS = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def decorated() -> dict[str, MetricCard]:
    """Return the cards on the functions themselves, found by importing everything."""
    paths = [path for folder in ("formulas", "learned") for path in (PACKAGE / folder).rglob("[a-z]*.py")]
    names = [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]
    modules = [import_module(f"fusionbench.metrics.{name}") for name in names]
    functions = [
        item
        for module in modules
        for item in vars(module).values()
        if hasattr(item, "card") and item.__module__ == module.__name__
    ]
    assert len(functions) == len({function.card.name for function in functions})
    return {function.card.name: function.card for function in functions}


def test_cards_load_neither_torch_nor_numpy():
    code = (
        "import sys, fusionbench.metrics\n"
        "fusionbench.metrics.cards(), fusionbench.metrics.resolve('en,Ssim', 'vifb')\n"
        "fusionbench.metrics.profiles(), fusionbench.metrics.definitions('SSIM')\n"
        "print([m for m in ('torch', 'numpy', 'pandas', 'kornia', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_cards_agree_with_the_decorated_functions():
    assert cards() == decorated()
    assert all(function_of(definition_of(name)).card == card for name, card in cards().items())


def test_the_default_set_comes_first_and_in_order():
    assert tuple(cards())[: len(DEFAULT)] == DEFAULT
    assert DEFAULT == ("EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIF", "Qabf", "SSIM")


@pytest.mark.parametrize("name", list(cards()))
def test_a_card_is_complete(name):
    card = cards()[name]
    low, high = card.range
    assert card.name == name
    assert all(text.strip() for text in (card.title, card.unit, card.convention))
    assert card.better in ("higher", "lower")
    assert card.per in ("image", "set")
    assert low is None or high is None or low < high
    assert re.fullmatch(r"10\.\d{4,9}/\S+", card.doi)
    assert all(isinstance(number, int) for number in (card.version, card.digits, card.smallest))
    assert min(card.version, card.digits, card.smallest) >= 1


@pytest.mark.parametrize("name", list(cards()))
def test_definitions_are_described_and_documented(name):
    by_name = definitions(name)
    assert next(iter(by_name)) == CANONICAL
    assert by_name[CANONICAL].text == cards()[name].convention
    for key, definition in by_name.items():
        assert (definition.metric, definition.name) == (name, key)
        assert len(definition.text) > 10
        assert len(inspect.getdoc(function_of(definition)).splitlines()[0]) > 20


COLOR = {
    "bt601": "luma (BT.601)",
    "matlab": "MATLAB's rgb2gray",
    "opencv": "OpenCV's float conversion",
    "channels": "each channel scored, then averaged",
}


def test_the_documented_profiles_are_those_there_are_with_their_way_to_one_channel():
    text = DOCS.read_text(encoding="utf-8").partition("## Profiles")[2]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert [(row[0].strip("| `"), row[2]) for row in rows] == [
        (name, COLOR[profile.gray]) for name, profile in profiles().items()
    ]
    assert all(f"*{way}*" in " ".join(text.split()) for way in COLOR.values())


@pytest.mark.parametrize("name", list(profiles()))
def test_a_profile_names_what_there_is_and_is_documented(name):
    profile, text = profiles()[name], DOCS.read_text(encoding="utf-8")
    assert all(definition in definitions(metric) for metric, definition in profile.metrics.items())
    assert profile.undecided.keys() <= profile.metrics.keys()
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` | {profile.title} |"))
    listed = "all" if name == CANONICAL else ", ".join(profile.metrics)
    assert f"| {listed} |" in row
    assert all(note in row for note in profile.notes)
    assert all(f"**{metric}** undecided, {why}" in row for metric, why in profile.undecided.items())


def test_a_metric_that_a_profile_lacks_is_an_error_that_names_what_it_has():
    with pytest.raises(RequestError, match=r"Profile 'vifb' defines no VIF: use one of EN, SD, SF"):
        definition_of("VIF", "vifb")
    with pytest.raises(RequestError, match="Profile 'csp-mcin' defines no SSIM"):
        resolve("EN,ssim", "CSP_MCIN")


def test_sets_of_names():
    assert resolve("default") == resolve(None) == list(DEFAULT)
    assert resolve("all") == [name for name, card in cards().items() if not card.weights]
    assert resolve("PSNR,default,EN") == ["PSNR", *DEFAULT]
    assert resolve(None, "csp-mcin") == resolve("all", "csp-mcin") == ["EN", "SD", "CC", "VIFF"]
    assert resolve(None, "tang2023") == list(DEFAULT)
    assert resolve("ms_ssim,fmi-DCT") == ["MS-SSIM", "FMI_dct"]


@pytest.mark.parametrize("name", list(cards()))
def test_the_documentation_agrees_with_the_card(name):
    card, text = cards()[name], DOCS.read_text(encoding="utf-8")
    low, high = (("" if bound is None else f"{bound:g}") for bound in card.range)
    arrow = "↑" if card.better == "higher" else "↓"
    row = (
        rf"\| `{name}` \| {re.escape(card.title)} \| {arrow} \| {low} … {high} ?\| {re.escape(card.unit)} \| "
    )
    assert re.search(row, text), row
    section = text.partition(f"\n### {name}: ")[2].partition("\n### ")[0]
    assert card.doi in section
    assert "Elsewhere:" in section


@pytest.mark.parametrize(
    ("asked", "resolved"),
    [
        ("en", ["EN"]),
        ("SSIM, qabf,SSIM", ["SSIM", "Qabf"]),
        (["vif", "AG"], ["VIF", "AG"]),
        (("scd",), ["SCD"]),
        (None, list(DEFAULT)),
    ],
)
def test_names_are_resolved(asked, resolved):
    assert resolve(asked) == resolved


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Unknown metric 'SSMI': did you mean 'SSIM'"):
        resolve("EN,SSMI")
    with pytest.raises(UnknownNameError, match="Unknown profile 'canonic': did you mean 'canonical'"):
        resolve_profile("canonic")


@pytest.mark.parametrize("asked", ["", " , ", []])
def test_asking_for_nothing_is_an_error(asked):
    with pytest.raises(RequestError, match="No metric is asked for: name some of EN, SD"):
        resolve(asked)


def test_profiles_ignore_case():
    assert resolve_profile(" Canonical") == "canonical"


def test_the_documented_example_runs(capsys):
    example = DOCS.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    exec(compile(example, str(DOCS), "exec"), {})
    assert re.fullmatch(r"tensor\(\[(0\.\d+,? ?){4}\], dtype=torch.float64\)\n", capsys.readouterr().out)
