"""References to files, modules, installed packages and folders of images."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.cells.planned import RunOptions
from fusionbench.cli.info import describe
from fusionbench.errors import ConfigError, PluginError, UnknownNameError
from fusionbench.providers import Provider
from fusionbench.registry import methods as registry
from fusionbench.runs.plan import make_plan

PLUGIN = """
from fusionbench.method import FusionMethod

class Mine(FusionMethod):
    families = frozenset({"ir-vis"})
    def __init__(self, *, width=8):
        super().__init__()
        self.width = width
    def fuse(self, a, b):
        return a

CONFIG = {"args": {"width": 4}, "variants": {"small": {"about": "less", "args": {"width": 2}}}}
"""
CARD = 'CARD = {"title": "My method", "kind": "classical", "families": ["ir-vis"]}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder, on the import path, with one method file."""
    (tmp_path / "own_method.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("own_method", None)


def installed(monkeypatch: pytest.MonkeyPatch, **providers: str) -> None:
    """Pretend that packages provide a method under the name ``Extra-Method``."""
    known = tuple(Provider("Extra-Method", value, package, "") for package, value in providers.items())
    monkeypatch.setattr(registry, "providers", lambda group: known)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("./own_method.py", "own_method-Mine"),
        (" ./own_method.py:Mine ", "own_method-Mine"),
        ("own_method.py", "own_method-Mine"),
        ("own_method:Mine", "own_method-Mine"),
    ],
)
def test_ways_to_name_a_method_of_ones_own(folder: Path, reference: str, name: str) -> None:
    method = registry.spec(reference)
    assert method.name == name
    assert method.config().args == {"width": 4}
    assert type(method.build({"width": 3})).__name__ == "Mine"
    assert registry.load(reference).width == 4
    assert registry.load(reference, width=5).width == 5


def test_a_method_without_a_card_is_learned_and_of_its_class_s_families(folder: Path) -> None:
    card = registry.card("./own_method.py:Mine")
    assert (card.title, card.kind, card.families) == ("Mine", "learned", ("ir-vis",))
    (folder / "own_method.py").write_text(PLUGIN + CARD)
    card = registry.card("./own_method.py:Mine")
    assert (card.title, card.kind, card.families) == ("My method", "classical", ("ir-vis",))


@pytest.mark.parametrize("reference", ["./own_method.py@small", "own_method:Mine@small"])
def test_variants_of_a_method_of_ones_own(folder: Path, reference: str) -> None:
    assert registry.spec(reference).config().args == {"width": 2}


def test_an_argument_that_no_constructor_takes_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"own_method-Mine: .*'args\.widht': did you mean 'args\.width'"):
        registry.load("./own_method.py", widht=3)


def test_a_class_that_the_file_does_not_have_is_named(folder: Path) -> None:
    with pytest.raises(PluginError, match=r"own_method\.py:Other is not a FusionMethod class"):
        registry.load("./own_method.py:Other")


@pytest.mark.parametrize(
    ("text", "word"),
    [("def (", "not valid Python"), ("x = 1\n", "defines no class that derives from FusionMethod")],
)
def test_a_broken_file_breaks_only_its_own_use(folder: Path, text: str, word: str) -> None:
    (folder / "broken.py").write_text(text)
    with pytest.raises(PluginError, match=word):
        registry.spec("./broken.py")
    assert registry.load("./own_method.py").width == 4
    assert "average" in registry.names()


def test_an_installed_method_is_found_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "own_method.py").write_text(PLUGIN + CARD)
    installed(monkeypatch, extra="own_method:Mine")
    assert "extra_method" in registry.names()
    assert registry.spec("EXTRA-method").card.title == "My method"
    assert registry.load("extra_method@small").width == 2


def test_an_installed_method_that_is_broken_breaks_only_its_own_use(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, extra="no_such_package_here:Mine")
    assert {"extra_method", "average"} <= set(registry.names())
    assert registry.spec("average").card.title
    with pytest.raises(PluginError, match="no_such_package_here"):
        registry.spec("extra-method")


def test_two_installed_providers_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, first="one:Mine", second="two:Mine")
    assert registry.names().count("extra_method") == 1
    with pytest.raises(PluginError, match="one:Mine of first and two:Mine of second"):
        registry.spec("extra_method")


def test_a_folder_of_images_is_an_external_method(folder: Path) -> None:
    (folder / "theirs").mkdir()
    method = registry.spec("images:theirs")
    assert (method.name, method.external, method.source) == ("images-theirs", True, folder / "theirs")


def test_a_variant_of_a_method_that_has_none_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match=r"variant of average 'small': known are: none"):
        registry.spec("average@small").config()


def test_a_recipe_says_what_one_training_set_changes(folder: Path) -> None:
    recipe = {
        "stages": {"fuse": {"epochs": 9, "crop": 32}},
        "datasets": {"demo": {"stages": {"fuse": {"epochs": 3}}}},
        "variants": {"long": {"stages": {"fuse": {"epochs": 50}}}},
    }
    (folder / "own_method.py").write_text(PLUGIN.partition("CONFIG")[0] + f"CONFIG = {recipe}\n" + CARD)

    def epochs(reference: str, overrides: tuple[str, ...] = (), training_set: str | None = None) -> int:
        config = registry.spec(reference).config(overrides, training_set)
        assert config.stages["fuse"].crop == 32
        return config.stages["fuse"].epochs

    assert epochs("./own_method.py") == epochs("./own_method.py", (), "msrs") == 9
    assert epochs("./own_method.py", (), "demo") == 3
    assert epochs("./own_method.py@long", (), "demo") == 50
    assert describe("./own_method.py")[1]["config_by_training_set"] == recipe["datasets"]
    assert epochs("./own_method.py", ("stages.fuse.epochs=2",), "demo") == 2


def test_a_plan_takes_the_recipe_of_the_data_set_that_is_learned_from(folder: Path) -> None:
    recipe = {"datasets": {"demo": {"stages": {"fuse": {"epochs": 3}}}}}
    (folder / "own_method.py").write_text(PLUGIN.partition("CONFIG")[0] + f"CONFIG = {recipe}\n" + CARD)
    asked = RunOptions(("./own_method.py",), ("demo",), baselines=False)
    for source, epochs in ((None, 3), ("demo", 3), ("msrs", 100)):
        (cell,) = make_plan(replace(asked, train_dataset=source)).cells
        assert cell.config.stages["fuse"].epochs == epochs


def test_listing_neither_imports_methods_nor_torch(folder: Path) -> None:
    (folder / "own_method.py").write_text(
        PLUGIN.replace("class Mine", "raise SystemExit('ran')\nclass Mine") + CARD
    )
    code = """
import sys
from fusionbench.registry import methods as registry
for name in [*registry.names(), "./own_method.py", "own_method:Mine"]:
    registry.card(name)
loaded = [m for m in ("torch", "pytorch_lightning", "own_method") if m in sys.modules]
loaded += [m for m in sys.modules if m.startswith("fusionbench.methods.")]
print(loaded)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "kind"), [("method:average", "method"), ("metric:VIF", "metric"), ("dataset:msrs", "data set")]
)
def test_info_takes_the_kind_before_a_name_as_check_does(name: str, kind: str) -> None:
    assert describe(name) == describe(name.partition(":")[2])
    assert describe(name)[0] == kind
