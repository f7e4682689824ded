"""Bundles: what is packed, and that a changed score, image or record is named."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fusionbench.bundle.finding import CheckResult
from fusionbench.bundle.pack import pack
from fusionbench.bundle.verify import verify
from fusionbench.cells.score_lines import read_lines
from fusionbench.cells.store import Cell
from fusionbench.cli.app import app
from fusionbench.errors import RequestError
from fusionbench.files import digest_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, fused: Callable[[Path, str, int], Path]) -> Path:
    return fused(tmp_path_factory.mktemp("packed") / "runs", "EN,SSIM", 2)


@pytest.fixture
def bundle(runs: Path, tmp_path: Path) -> Path:
    pack([runs], tmp_path / "paper.zip", images=True)
    return tmp_path / "paper.zip"


def change(bundle: Path, edit: Callable[[Path], None], rehash: bool = False) -> Path:
    """Unpack, edit and zip again; with ``rehash`` the index gets the new hashes, as a forger would write them."""
    folder = bundle.with_suffix("")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    edit(folder)
    if rehash:
        from fusionbench.bundle.content import sha256

        index = json.loads((folder / "bundle.json").read_text())
        index["files"] = {name: sha256((folder / name).read_bytes()) for name in index["files"]}
        (folder / "bundle.json").write_text(json.dumps(index))
    changed = shutil.make_archive(str(bundle.with_name("changed")), "zip", folder)
    return Path(changed)


def wrong(findings: list[CheckResult]) -> str:
    return "\n".join(f"{f.what}: {f.detail}" for f in findings if f.level == "wrong")


def scale_scores(folder: Path) -> None:
    """Edit the scores by hand: their checksums stay those of the values before."""
    (file,) = folder.glob("runs/*/*/*/scores.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(line | {"value": line["value"] * 1.01}) + "\n" for line in lines))


def forge_scores(folder: Path) -> None:
    """Write other scores with right checksums, as somebody who knows the store would."""
    (file,) = folder.glob("runs/*/*/*/scores.jsonl")
    lines = read_lines(file)
    file.unlink()
    Cell(file.parent).append(line | {"value": line["value"] * 1.01} for line in lines)


def blacken(folder: Path) -> None:
    file = sorted(folder.glob("runs/*/*/*/images/*.png"))[0]
    pixels = np.array(Image.open(file))
    pixels[:8, :8] = 0
    Image.fromarray(pixels).save(file)


def claim_another_seed(folder: Path) -> None:
    (file,) = folder.glob("runs/*/*/*/run.json")
    record = json.loads(file.read_text())
    record["identity"]["seed"] = 7
    file.write_text(json.dumps(record))


def forge_another_seed(folder: Path) -> None:
    """Claim another seed and write the id that belongs to it into the record as well."""
    claim_another_seed(folder)
    (file,) = folder.glob("runs/*/*/*/run.json")
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"id": digest_of(record["identity"])[:10]}))


def test_a_bundle_holds_what_a_referee_needs(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        index = json.loads(archive.read("bundle.json"))
    assert {"bundle.json", "tables/canonical.md", "tables/canonical.csv"} <= names
    assert sum(name.endswith("run.json") for name in names) == 1
    assert sum(name.endswith(".png") for name in names) == 2
    assert all(
        "fusionbench run --method average --dataset demo" in line for line in index["requests"].values()
    )
    assert not any(str(Path.home()) in line for line in json.dumps(index).split())


def test_an_untouched_bundle_holds_without_and_with_data(bundle: Path) -> None:
    findings = verify(bundle, sample=2)
    assert wrong(findings) == ""
    text = "\n".join(f"{f.level} {f.detail}" for f in findings)
    assert "ok all 1 agree with their identities" in text
    assert "2 images fused again are the same, pixel for pixel" in text
    assert "4 scores computed again on stored images agree" in text


@pytest.mark.parametrize("rehash", [False, True])
def test_a_changed_score_is_named(bundle: Path, rehash: bool) -> None:
    told = wrong(verify(change(bundle, forge_scores, rehash), sample=0))
    assert ("does not follow from the records" in told) if rehash else ("scores.jsonl: was changed" in told)


@pytest.mark.parametrize("rehash", [False, True])
def test_a_score_edited_by_hand_is_named_with_its_line(bundle: Path, rehash: bool) -> None:
    told = wrong(verify(change(bundle, scale_scores, rehash), sample=0))
    assert "scores.jsonl: line 1 was edited" in told
    assert "tables: cannot be made from the records: runs/demo-test" in told
    assert ("scores.jsonl: was changed" in told) is not rehash


def test_a_score_changed_with_its_table_is_found_with_the_data(bundle: Path) -> None:
    from fusionbench.bundle.content import rendered_tables

    def forge(folder: Path) -> None:
        forge_scores(folder)
        for name, data in rendered_tables(folder / "runs").items():
            (folder / name).write_bytes(data)

    forged = change(bundle, forge, rehash=True)
    assert wrong(verify(forged, sample=0)) == ""
    findings = verify(forged, sample=1)
    assert "images fused again are the same" in "\n".join(finding.detail for finding in findings)
    told = wrong(findings)
    assert "EN of 000 is" in told
    assert "the bundle says" in told


@pytest.mark.parametrize("rehash", [False, True])
def test_a_changed_image_is_named(bundle: Path, rehash: bool) -> None:
    told = wrong(verify(change(bundle, blacken, rehash), sample=0))
    assert "images/000.png: does not have the pixels that were packed" in told


@pytest.mark.parametrize("rehash", [False, True])
def test_a_changed_record_is_named(bundle: Path, rehash: bool) -> None:
    told = wrong(verify(change(bundle, claim_another_seed, rehash), sample=0))
    assert "run.json: is damaged or was edited (its id is not that of its identity)" in told
    assert ("run.json: was changed" in told) is not rehash


@pytest.mark.parametrize("rehash", [False, True])
def test_a_record_changed_with_its_id_is_named(bundle: Path, rehash: bool) -> None:
    told = wrong(verify(change(bundle, forge_another_seed, rehash), sample=0))
    assert "method, arguments, weights or data were changed" in told


def test_a_record_and_a_score_edited_by_hand_are_two_findings(bundle: Path) -> None:
    def edit(folder: Path) -> None:
        claim_another_seed(folder)
        scale_scores(folder)

    told = wrong(verify(change(bundle, edit, rehash=True), sample=0))
    assert "run.json: is damaged or was edited" in told
    assert "scores.jsonl: line 1 was edited" in told


def test_missing_and_added_files_are_named(bundle: Path) -> None:
    def edit(folder: Path) -> None:
        (folder / "tables" / "canonical.md").unlink()
        (folder / "tables" / "better.md").write_text("x")

    told = wrong(verify(change(bundle, edit), sample=0))
    assert "canonical.md: is listed, but not in the bundle" in told
    assert "better.md: is in the bundle, but not listed" in told


def test_exit_codes_and_json(runs: Path, bundle: Path, tmp_path: Path) -> None:
    call = CliRunner().invoke
    done = call(app, ["pack", str(runs), "-o", str(tmp_path / "b.zip"), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["cells"]) == (0, 1)
    assert call(app, ["verify", str(tmp_path / "b.zip"), "--sample", "0"]).exit_code == 0
    bad = call(app, ["verify", str(change(bundle, blacken)), "--sample", "0", "--json"])
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["wrong"] is True
    assert call(app, ["verify", str(tmp_path / "none.zip")]).exit_code == 2
    (tmp_path / "text.zip").write_text("no archive")
    assert call(app, ["verify", str(tmp_path / "text.zip")]).exit_code == 2
    assert call(app, ["pack", str(runs), "-o", str(tmp_path / "b.tar")]).exit_code == 2
    shutil.copytree(runs, tmp_path / "copy")
    with pytest.raises(RequestError, match="hold the same run"):
        pack([runs, tmp_path / "copy"], tmp_path / "twice.zip")
