"""Files of weights of metrics: where they are looked for, what is taken and what is refused."""

from __future__ import annotations

import json
import pickle
import socket
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from file_server import Site, serve
from safetensors.torch import save_file
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.errors import DownloadError, RequestError, UnknownNameError, WeightsError
from fusionbench.metrics import cards
from fusionbench.metrics.learned import weight_files as metric_weights
from fusionbench.metrics.learned.fetch import fetch_file, file_for, file_states, import_file, verify_file
from fusionbench.metrics.learned.weight_files import KNOWN, WeightFile, find_weights, weight_file
from fusionbench.weights.checkpoints import file_hash, read_state

STATE = {"level": torch.tensor([0.5])}


def check_level(path: Path) -> None:
    """Raise WeightsError unless a file holds a level."""
    if "level" not in read_state(path):
        raise WeightsError(f"Weights {path} do not fit: 1 tensors missing ['level'].")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file "mine", whose publisher states no hash, belongs."""
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    known = WeightFile("mine", "mine.pt", ("EN",), "a level", "MIT", check=f"{__name__}:check_level")
    monkeypatch.setitem(metric_weights.KNOWN, "mine", known)
    return tmp_path / "weights" / "metrics" / "mine.pt"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    torch.save(STATE, tmp_path / "theirs.pt")
    return tmp_path / "theirs.pt"


def publish(monkeypatch: pytest.MonkeyPatch, **facts: str) -> WeightFile:
    """Let the file's publisher state more."""
    monkeypatch.setitem(metric_weights.KNOWN, "mine", replace(KNOWN["mine"], **facts))
    return KNOWN["mine"]


def torchscript(path: Path) -> Path:
    class Level(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.level = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.level

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates the format, which OpenAI's files have
        torch.jit.trace(Level(), torch.ones(1)).save(path)
    return path


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_every_file_is_used_by_the_metrics_that_name_it() -> None:
    named = {(file, card.name) for card in cards().values() for file in card.weights}
    assert named == {
        (known.name, m) for known in KNOWN.values() if known.name != "mine" for m in known.used_by
    }
    for known in KNOWN.values():
        assert known.name == known.name.lower()
        assert known.purpose
        assert known.licence
        assert known.sha256 is None or len(known.sha256) == 64
        assert known.url is None or known.url.startswith("https://")
        assert known.url is None or known.url.endswith(f"/{known.file}") or known.name == "mine"


def test_openai_puts_the_hash_into_the_address() -> None:
    for known in (known for known in KNOWN.values() if known.url and "openaipublic" in known.url):
        assert known.url.split("/")[-2] == known.sha256


def test_a_missing_file_is_named_with_its_place_and_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=r"import FILE --as mine` takes .*weights/metrics/mine\.pt\.$"):
        find_weights("mine")
    publish(monkeypatch, url="https://example.org/mine.pt")
    with pytest.raises(WeightsError, match=r"weights fetch mine` downloads it to .*weights/metrics/mine\.pt"):
        find_weights("MINE")
    with pytest.raises(UnknownNameError, match="did you mean 'liqe-koniq'"):
        find_weights("liqe-konik")
    assert weight_file("LIQE_koniq").name == "liqe-koniq"


def test_a_file_put_there_by_hand_is_found(place: Path, source: Path) -> None:
    place.parent.mkdir(parents=True)
    source.rename(place)
    assert find_weights("mine") == place
    assert {s.known.name: s.state for s in file_states()}["mine"] == "found"


def test_an_imported_file_is_kept_with_where_it_came_from(place: Path, source: Path) -> None:
    assert import_file(source, KNOWN["mine"]) == find_weights("mine") == place
    about = json.loads(place.with_name("mine.pt.json").read_text())
    assert about["sha256"] == file_hash(place)
    assert about["source"] == {"file": "theirs.pt"}
    assert not about["trusted"]
    assert sorted(p.name for p in place.parent.iterdir()) == ["mine.pt", "mine.pt.json"]


def test_safetensors_are_taken_under_the_same_name(place: Path, tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "theirs.safetensors")
    import_file(tmp_path / "theirs.safetensors", KNOWN["mine"])
    assert read_state(place)["level"].item() == 0.5


def test_a_changed_file_is_refused(place: Path, source: Path) -> None:
    import_file(source, KNOWN["mine"])
    state = next(s for s in file_states() if s.known.name == "mine")
    torch.save({"level": torch.tensor([0.25])}, place)
    assert "no longer" in verify_file(state).problem
    with pytest.raises(WeightsError, match="has SHA-256"):
        find_weights("mine")
    place.with_name("mine.pt.json").write_text("[]")
    with pytest.raises(WeightsError, match="is damaged"):
        find_weights("mine")
    assert {s.known.name: s.state for s in file_states()}["mine"] == "broken"


def test_another_file_than_the_published_needs_trust(
    place: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = publish(monkeypatch, sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"published mine\.pt has 0000000000"):
        import_file(source, known)
    with pytest.raises(WeightsError, match="get the file again"):
        import_file(source, known, sha256="1" * 64)
    assert not place.exists()
    import_file(source, known, trust=True)
    assert find_weights("mine") == place
    assert next(s for s in file_states() if s.known.name == "mine").trusted
    torch.save({"level": torch.tensor([0.25])}, place)
    with pytest.raises(WeightsError, match="has SHA-256"):
        find_weights("mine")


def test_an_archive_with_code_needs_a_hash_or_trust(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, source = publish(monkeypatch, check=None), torchscript(tmp_path / "theirs.pt")
    with pytest.raises(WeightsError, match="TorchScript archive, which holds code: add --trust"):
        import_file(source, known)
    with pytest.raises(WeightsError, match="code in files is never run"):
        read_state(source)
    place.parent.mkdir(parents=True)
    place.write_bytes(source.read_bytes())
    with pytest.raises(WeightsError, match="contains code of unknown origin"):
        find_weights("mine")
    assert import_file(source, known, sha256=file_hash(source)) == find_weights("mine")
    assert import_file(source, known, trust=True) == find_weights("mine")
    assert import_file(source, publish(monkeypatch, sha256=file_hash(source))) == find_weights("mine")


def test_code_in_a_pickle_is_not_run_and_torn_or_foreign_files_are_refused(
    place: Path, source: Path, tmp_path: Path
) -> None:
    mark, known = tmp_path / "ran", KNOWN["mine"]
    torch.save({"level": Hostile(mark)}, tmp_path / "new.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"level": Hostile(mark)}, protocol=2))
    for name in ("new.pt", "old.pt"):
        with pytest.raises(WeightsError, match="code in files is never run"):
            import_file(tmp_path / name, known)
    (tmp_path / "torn.pt").write_bytes(source.read_bytes()[:-100])
    (tmp_path / "empty.pt").touch()
    for name in ("torn.pt", "empty.pt"):
        with pytest.raises(WeightsError, match="cannot be read"):
            import_file(tmp_path / name, known)
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="tensors missing"):
        import_file(tmp_path / "other.pt", known)
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="not a state dict"):
        import_file(tmp_path / "list.pt", known)
    with pytest.raises(WeightsError, match="is not a file of weights"):
        import_file(tmp_path / "nowhere.pt", known)
    assert not mark.exists()
    assert not place.exists()


def test_a_file_is_fetched_once_and_checked(
    place: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Site(source.read_bytes())) as site:
        known = publish(monkeypatch, url=site.address)
        assert fetch_file(known) == fetch_file(known) == find_weights("mine") == place
        assert site.asked == [None]
    assert json.loads(place.with_name("mine.pt.json").read_text())["source"] == {"url": site.address}
    assert sorted(p.name for p in place.parent.iterdir()) == ["mine.pt", "mine.pt.json"]


def test_fetching_takes_the_place_of_a_trusted_file(
    place: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"level": torch.tensor([0.25])}, tmp_path / "mine.pt")
    with serve(Site(source.read_bytes())) as site:
        known = publish(monkeypatch, url=site.address, sha256=file_hash(source))
        import_file(tmp_path / "mine.pt", known, trust=True)
        assert fetch_file(known) == place
    assert file_hash(place) == known.sha256
    assert not next(s for s in file_states() if s.known.name == "mine").trusted


def test_what_does_not_fit_gets_no_place(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"level": Hostile(tmp_path / "ran")}, tmp_path / "theirs.pt")
    with pytest.raises(WeightsError, match=r"No address of mine\.pt"):
        fetch_file(KNOWN["mine"])
    with serve(Site((tmp_path / "theirs.pt").read_bytes())) as site:
        with pytest.raises(WeightsError, match="code in files is never run"):
            fetch_file(KNOWN["mine"], site.address)
        with pytest.raises(DownloadError, match="not 0000000000"):
            fetch_file(publish(monkeypatch, sha256="0" * 64), site.address)
    assert [p.name for p in place.parent.iterdir()] == []
    assert not (tmp_path / "ran").exists()


def test_a_metric_names_its_file() -> None:
    assert file_for("liqe_MIX").name == "liqe-mix"
    with pytest.raises(RequestError, match="Files of weights that EN needs: none"):
        file_for("en")


def invoke(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


def test_the_verbs_and_their_exit_codes(place: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Site(source.read_bytes())) as site:
        publish(monkeypatch, url="http://127.0.0.1:9/mine.pt")
        code, _, stderr = invoke("weights", "fetch", "mine")
        assert (code, stderr.count("\n")) == (2, 1)
        assert "cannot be reached" in stderr
        code, stdout, _ = invoke("weights", "fetch", "mine", "--url", site.address)
        assert (code, stdout.strip()) == (0, str(place))
    rows = {
        row["name"]: row
        for row in json.loads(invoke("weights", "list", "--json")[1])
        if row["method"] is None
    }
    assert (rows["mine"]["path"], rows["mine"]["command"]) == (str(place), None)
    assert rows["liqe-koniq"]["source"] == "unavailable"
    assert rows["liqe-koniq"]["command"] == "fusionbench weights fetch liqe-koniq"
    assert rows["liqe-koniq"]["place"].endswith("metrics/liqe_koniq.pt")
    assert rows.keys() == KNOWN.keys()
    text = invoke("weights", "list")[1]
    assert all(known.purpose in text and known.licence in text for known in KNOWN.values())
    assert invoke("weights", "verify")[0] == 0
    place.write_bytes(b"other")
    assert invoke("weights", "verify")[0] == 1


def test_an_import_is_for_one_thing(place: Path, source: Path) -> None:
    for options in ((), ("--as", "mine", "--metric", "liqe"), ("--method", "average", "--trust")):
        assert invoke("weights", "import", source, *options)[0] == 2
    assert invoke("weights", "import", source, "--as", "mine", "--family", "ir-vis")[0] == 2
    code, stdout, _ = invoke("weights", "import", source, "--as", "MINE", "--json")
    assert (code, json.loads(stdout)["weights"]) == (0, str(place))


def test_offline_forbids_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUSIONBENCH_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "0")  # so that what --offline sets is taken back

    def forbidden(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    code, _, stderr = invoke("--offline", "weights", "fetch", "liqe-koniq")
    assert (code, stderr.count("\n")) == (2, 1)
    assert "--offline" in stderr
