"""The catalog: every entry loads, and entries that say nonsense are refused with a remedy."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fusionbench.data.registry import CATALOG, dataset, datasets
from fusionbench.data.spec_file import read_spec
from fusionbench.errors import ConfigError, UnknownNameError
from fusionbench.types import FAMILIES

OFFICIAL = {
    "msrs": {"train": 1083, "test": 361},
    "tno": {"test": 42},
    "roadscene": {"test": 221},
    "llvip": {"train": 12025, "test": 3463},
    "vifb": {"test": 21},
    "m3fd": {"test": 300},
    "m3fd-detection": {"test": 4200},
    "harvard-mri-ct": {"train": 160, "test": 24},
    "harvard-mri-pet": {"train": 245, "test": 24},
    "harvard-mri-spect": {
        "train": 333,
        "test": 24,
        "drawn-train": None,
        "drawn-validation": None,
        "drawn-test": None,
    },
    "sar-optical": {"train": 31, "test": 16},
    "whu-opt-sar": {"train": 23520, "test": 5880},
    "sen12": {"train": 15902, "test": 3872},
    "sen12-gray": {"train": 450, "test": 158},
    "optical-sar": {"train": 4, "test": 32},
    "qxs-saropt": {"train": 16000, "test": 4000},
    "ogsod": {"train": 14250, "test": None},
    "yyx-opt-sar": {"test": 150},
    "terramesh": {"test": None},
}
MINIMAL = {
    "title": "Own",
    "family": "ir-vis",
    "a": "infrared",
    "b": "visible",
    "folder": "Own",
    "splits": {"test": {"a": "ir/*", "b": "vi/*"}},
    "licence": "CC0",
    "citation": "@misc{own}",
    "url": "https://example.org",
    "quirks": "none",
}


def write(place: Path, /, **changes: object) -> Path:
    entry = {key: value for key, value in {**MINIMAL, **changes}.items() if value is not ...}
    path = place / "own_set.yaml"
    path.write_text(yaml.safe_dump(entry))
    return path


@pytest.mark.parametrize("name", sorted(path.stem for path in CATALOG.glob("*.yaml")))
def test_every_entry_loads(name: str) -> None:
    spec = dataset(name)
    assert spec.family in FAMILIES
    assert re.match(r"@\w+\{\w+,", spec.citation), "the citation must be BibTeX"
    assert spec.a != spec.b
    assert "test" in spec.splits


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_counts(name: str) -> None:
    assert {split: where.count for split, where in dataset(name).splits.items()} == OFFICIAL[name]


def test_bibtex_keys_mean_one_work_each() -> None:
    works: dict[str, set[str]] = {}
    for spec in datasets().values():
        for key in re.findall(r"@\w+\{(\w+),", spec.citation):
            works.setdefault(key, set()).add(spec.citation)
    assert {key for key, texts in works.items() if len(texts) > 1} == set()


@pytest.mark.parametrize("asked", ["MSRS", "msrs", " Msrs "])
def test_names_ignore_case(asked: str) -> None:
    assert dataset(asked).name == "msrs"


def test_underscore_is_hyphen() -> None:
    assert dataset("harvard_mri_PET") is dataset("harvard-mri-pet")


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown data set 'roadscenes': did you mean 'roadscene'\?"):
        dataset("roadscenes")


def test_the_catalog_cannot_be_changed_by_its_users() -> None:
    datasets().clear()
    assert "msrs" in datasets()


def test_a_minimal_entry_has_defaults(tmp_path: Path) -> None:
    spec = read_spec(write(tmp_path))
    assert (spec.name, spec.doi, spec.labels, spec.sources, spec.generated) == (
        "own-set",
        None,
        None,
        (),
        False,
    )
    assert spec.splits["test"].count is None


def test_salient_classes_become_pixel_values(tmp_path: Path) -> None:
    labels = {"classes": ["road", "car", "tree", "person"], "salient": ["person", "car"]}
    assert read_spec(write(tmp_path, labels=labels)).labels.salient_numbers == (3, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"licens": "x"}, r"Unknown key 'licens' in own_set.yaml: did you mean 'licence'\?"),
        ({"zzz": 1}, r"Unknown key 'zzz' in own_set.yaml: known are: title"),
        ({"citation": ...}, "own_set.yaml lacks 'citation'"),
        ({"url": ""}, "own_set.yaml lacks 'url'"),
        (
            {"family": "ir-viz"},
            "'family' in own_set.yaml must be one of ir-vis, medical, sar-opt; found 'ir-viz'",
        ),
        ({"title": 3}, "'title' in own_set.yaml must be text"),
        ({"folder": "../Own"}, "folder '../Own'.*relative path"),
        ({"folder": "/data/Own"}, "folder '/data/Own'.*relative path"),
        ({"doi": "https://doi.org/10.1/x"}, "'doi' in own_set.yaml must begin with '10.'"),
        ({"generated": "yes"}, "'generated' in own_set.yaml must be true or false"),
        ({"sources": "https://example.org"}, "'sources' in own_set.yaml must be a list of texts"),
        ({"splits": ["test"]}, "'splits' in own_set.yaml must map names to globs"),
        ({"splits": {"test": {"a": "ir/*"}}}, "split 'test' of own_set.yaml lacks 'b'"),
        ({"splits": {"test": {"a": "ir/*", "b": "vi/*", "cuont": 3}}}, r"Unknown key 'cuont'.*'count'\?"),
        ({"splits": {"test": {"a": "ir/*", "b": "vi/*", "count": 0}}}, "'count'.*whole number.*found 0"),
        (
            {"splits": {"test": {"a": "ir/*", "b": "vi/*", "count": True}}},
            "'count'.*whole number.*found True",
        ),
        (
            {"splits": {"test": {"a": "ir/*", "b": "vi/*", "learned_on": "drawn"}}},
            "'learned_on' of split 'test' .* is 'drawn': name one of test",
        ),
        ({"splits": {"test": {"a": "../ir/*", "b": "vi/*"}}}, "glob '../ir/\\*'.*relative path"),
        ({"labels": {"classes": ["car"], "salient": ["cat"]}}, "Salient class 'cat'.*classes are car"),
        ({"labels": {"classes": "car"}}, "'classes' in own_set.yaml must be a list of texts"),
        ({"splits": {"test": {"a": "ir/*", "b": "vi/*", "part": [0.5, 2]}}}, r"'part' in .* within \[0, 1\]"),
        (
            {"splits": {"test": {"a": "ir/*", "b": "vi/*", "part": 0.5}}},
            r"'part' in .*\[low, high\]; found 0.5",
        ),
        ({"stem_marks": {"a": "_s1_"}}, "'stem_marks' of own_set.yaml lacks 'b'"),
        ({"stem_marks": {"a": "_s1_", "b": 2}}, "'stem_marks' of own_set.yaml must be two texts"),
        ({"prepare": {"a": "/sar/*", "b": "opt/*"}}, "glob '/sar/\\*' in 'prepare' of own_set.yaml"),
        ({"prepare": {"a": "sar/*", "b": "opt/*", "patch": 0}}, "'patch' in 'prepare' of own_set.yaml"),
        ({"prepare": {"a": "sar/*", "b": "opt/*", "decibel": [0, -25]}}, r"'decibel' in .*\[low, high\]"),
        ({"prepare": {"a": "sar/*", "b": "opt/*", "tiles": 256}}, "Unknown key 'tiles' in 'prepare'"),
        ({"labels": {"classes": ["car", True]}}, "'classes' in own_set.yaml must be a list of texts"),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_spec(write(tmp_path, **changes))


@pytest.mark.parametrize(("text", "message"), [("a: [", "not valid YAML"), ("- a\n", "must be a mapping")])
def test_files_that_are_no_entry(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_spec(path)


def test_listing_imports_nothing_heavy() -> None:
    heavy = ["torch", "pytorch_lightning", "pandas", "kornia", "numpy", "PIL", "cv2"]
    code = (
        "import sys; from fusionbench.data.registry import datasets; datasets();"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_public_names_of_the_package_exist() -> None:
    import fusionbench.data as data

    assert all(getattr(data, name) is not None for name in data.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'pears'"):
        _ = data.pears


@pytest.mark.parametrize("name", datasets())
def test_the_documentation_says_what_the_catalog_says(name: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    spec = dataset(name)
    row = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), "")
    assert row, f"docs/datasets.md has no row for {name}"
    counts = [str(split.count) for split in spec.splits.values() if split.count]
    missing = [word for word in (f"`{spec.folder}`", *counts) if word not in row]
    assert not missing or spec.generated, f"the row of {name} in docs/datasets.md lacks {missing}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes": {}}, "lacks 'classes'"),
        ({"boxes": {"classes": ["car"], "aliases": {"auto": "bus"}}}, "Alias 'auto' .* stands for 'bus'"),
        ({"labels": {"classes": ["car"], "ignored": ["bus"]}}, "Ignored class 'bus'"),
        ({"prepare": {"a": "x/*", "b": "y/*", "label_values": [0, 300]}}, "'label_values' .* from 0 to 255"),
    ],
)
def test_labels_that_say_nonsense_are_refused(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_spec(write(tmp_path, **changes))
