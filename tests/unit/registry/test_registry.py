"""References, near misses, and plug-ins that are broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.errors import ConfigError, DataNotFoundError, PluginError, UnknownNameError, WeightsError
from fusionbench.providers import Provider
from fusionbench.registry import methods as registry
from fusionbench.weights.methods import shipped_weights

PLUGIN = """
from fusionbench.method import FusionMethod
class {name}(FusionMethod):
    families = frozenset({{"ir-vis"}})
    def fuse(self, a, b):
        return a
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN.format(name="Mine"))
    return path


def test_names_are_compared_without_case_and_with_hyphen_as_underscore() -> None:
    assert registry.spec("Laplacian-Pyramid").name == "laplacian_pyramid"
    assert {"refinefuse", "average", "visible"} <= set(registry.names())


@pytest.mark.parametrize(("asked", "near"), [("refinfuse", "refinefuse"), ("averge", "average")])
def test_a_near_miss_is_suggested(asked: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{near}'"):
        registry.spec(asked)


def test_a_file_is_a_method_named_by_its_stem_and_class(plugin: Path) -> None:
    for reference in (str(plugin), f"{plugin}:Mine"):
        method = registry.spec(reference)
        assert method.name == "mine-Mine"
        assert type(method.build({})).__name__ == "Mine"


def test_a_file_with_two_classes_needs_a_name(plugin: Path) -> None:
    plugin.write_text(PLUGIN.format(name="One") + PLUGIN.format(name="Two"))
    with pytest.raises(PluginError, match="One, Two"):
        registry.spec(str(plugin))
    assert type(registry.spec(f"{plugin}:Two").build({})).__name__ == "Two"


def test_a_class_of_a_module_is_a_method() -> None:
    method = registry.spec("fusionbench.checks:CHECKS")
    with pytest.raises(PluginError, match="is not a FusionMethod class"):
        method.build({})


@pytest.mark.parametrize(
    ("reference", "error", "word"),
    [
        ("./nowhere.py", PluginError, "does not exist"),
        ("no_such_module:Class", PluginError, "cannot be found"),
        ("images:nowhere", DataNotFoundError, "nowhere"),
    ],
)
def test_what_is_not_there_is_named(reference: str, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        registry.spec(reference)


def test_an_unknown_variant_or_argument_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'wo_fim'"):
        registry.spec("refinefuse@wo_fin").config()
    with pytest.raises(ConfigError, match=r"did you mean 'args\.levels'"):
        registry.load("refinefuse", level=3)


@pytest.mark.parametrize("reference", ["refinefuse@three_levels@cpu", "refinefuse@three_levels+cpu"])
def test_variants_combine_in_order(reference: str) -> None:
    method = registry.spec(reference)
    assert method.name == "refinefuse@three_levels@cpu"
    assert method.variants == ("three_levels", "cpu")
    assert method.config().args == {"levels": 3}
    assert method.config().stages["fuse"].optimizer.name == "adam"


def test_a_recipe_and_an_ablation_combine() -> None:
    config = registry.spec("sspfusion@medical@wo_f").config()
    assert config.args == {"alpha": 0.0, "beta": 0.0}
    assert config.stages["fusion"].crop == 64


def test_variants_that_contradict_each_other_are_an_error_naming_both() -> None:
    method = registry.spec("sspfusion@wo_f@alpha01_beta01")
    with pytest.raises(ConfigError, match=r"'wo_f' and 'alpha01_beta01' .* args\.alpha to 0\.0 and 0\.1"):
        method.config()
    assert method.config(("args.alpha=0.2", "args.beta=0.3")).args == {"alpha": 0.2, "beta": 0.3}


def test_two_providers_of_a_name_are_an_error_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = Provider("average", "rival.average:Average", "rival-package", "")
    monkeypatch.setattr(registry, "providers", lambda group: (rival,))
    with pytest.raises(PluginError, match=r"average\.py and rival\.average:Average of rival-package"):
        registry.spec("average")


def test_code_that_cannot_be_imported_says_why(plugin: Path) -> None:
    plugin.write_text("import no_such_package\n" + plugin.read_text())
    with pytest.raises(PluginError, match="no_such_package"):
        registry.spec(str(plugin)).build({})


def test_the_hash_follows_the_code(plugin: Path) -> None:
    before = registry.spec(str(plugin)).files_hash()
    plugin.write_text(plugin.read_text() + "# changed\n")
    assert registry.spec(str(plugin)).files_hash() != before


def test_a_single_file_brings_its_recipe_along(plugin: Path) -> None:
    plugin.write_text(plugin.read_text() + 'CONFIG = {"stages": {"first": {"epochs": 3}, "second": {}}}\n')
    config = registry.spec(str(plugin)).config(("stages.second.crop=48",))
    assert config.stages["first"].epochs == 3
    assert config.stages["second"].crop == 48


def test_shipped_weights_serve_the_arguments_they_were_trained_with_or_stand_for() -> None:
    refinefuse = registry.spec("refinefuse")
    assert shipped_weights(refinefuse, "ir-vis", {}).source == "shipped"
    for arguments in ({"levels": 3}, {"texture": False}):
        assert shipped_weights(refinefuse, "ir-vis", arguments) is None


def test_a_card_may_say_in_words_where_to_get_weights() -> None:
    method = registry.spec("dsifuse")
    for words in ("ask the authors", "https://example.org/weights.safetensors", {"file": "x"}):
        asking = replace(method, card=replace(method.card, weights={"ir-vis": words}))
        assert shipped_weights(asking, "ir-vis", {}) is None


def test_shipped_weights_without_their_description_are_told() -> None:
    method = registry.spec("dsifuse")
    broken = replace(method, card=replace(method.card, weights={"ir-vis": "gone.safetensors"}))
    with pytest.raises(WeightsError, match=r"gone\.json cannot be read"):
        shipped_weights(broken, "ir-vis", {})


def test_a_file_without_a_card_has_the_families_of_its_class(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Mine(FusionMethod):\n    families: ClassVar = frozenset({'sar-opt', 'ir-vis'})\n")
    assert registry.card(str(file)).families == ("ir-vis", "sar-opt")
    file.write_text("class Mine(FusionMethod):\n    pass\n")
    assert registry.card(str(file)).families == ("ir-vis", "medical", "sar-opt")


def test_a_file_or_folder_named_without_a_path_is_pointed_at(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plugin.parent)
    for place in ("foreign/card.yaml", "fused/1.PNG", "empty/notes.txt"):
        (plugin.parent / place).parent.mkdir()
        (plugin.parent / place).touch()
    for asked, meant in (("mine@small", "./mine.py"), ("foreign", "./foreign"), ("fused", "images:fused")):
        with pytest.raises(UnknownNameError, match=f"did you mean '{meant}'"):
            registry.spec(asked)
    with pytest.raises(UnknownNameError, match=r"known are: .*refinefuse"):
        registry.spec("empty")
