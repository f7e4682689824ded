"""Downloads: resumed, verified, forbidden; against a web server on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from file_server import Site, serve

from fusionbench.errors import DownloadError, OutputError, WeightsError
from fusionbench.weights.download import download

CONTENT = bytes(range(256)) * 20_000  # 5 MB, some chunks
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "file.pt"


def beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_the_file_arrives_whole_and_nothing_else_stays(target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serve(Site(CONTENT)) as site:
        download(site.address, target, HASH, lambda *steps: told.append(steps))
    assert target.read_bytes() == CONTENT
    assert beside(target) == ["file.pt"]
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_an_interrupted_transfer_goes_on_where_it_was(target: Path) -> None:
    with serve(Site(CONTENT, break_after=2_000_000)) as site:
        with pytest.raises(DownloadError, match="ended after 2000000 of 5120000 bytes"):
            download(site.address, target, HASH)
        assert not target.exists()
        site.break_after = None
        download(site.address, target, HASH)
        assert site.asked == [None, "bytes=2000000-"]
    assert target.read_bytes() == CONTENT
    assert beside(target) == ["file.pt"]


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("tag", ['"two"', None])
def test_another_version_or_a_server_without_parts_begins_anew(
    target: Path, ranges: bool, tag: str | None
) -> None:
    with serve(Site(b"old" * 1_000_000, break_after=100_000)) as site:
        with pytest.raises(DownloadError, match="ended after"):
            download(site.address, target)
        site.content, site.tag, site.ranges, site.break_after = CONTENT, tag, ranges, None
        download(site.address, target, HASH)
    assert target.read_bytes() == CONTENT


def test_a_server_that_names_no_version_is_asked_for_the_whole_file_again(target: Path) -> None:
    with serve(Site(CONTENT, tag=None, break_after=1000)) as site:
        with pytest.raises(DownloadError, match="ended after"):
            download(site.address, target)
        site.break_after = None
        download(site.address, target)
        assert site.asked == [None, None]
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_thrown_away(target: Path) -> None:
    with serve(Site(CONTENT, break_after=1000)) as site:
        with pytest.raises(DownloadError, match="ended after"):
            download(site.address, target)
        site.content, site.break_after = b"short", None
        download(site.address, target)
    assert target.read_bytes() == b"short"


def test_a_wrong_hash_leaves_nothing(target: Path) -> None:
    with serve(Site(CONTENT)) as site, pytest.raises(DownloadError, match=r"SHA-256 .*, not 0000000000"):
        download(site.address, target, "0" * 64)
    assert beside(target) == []


def test_without_a_length_the_hash_tells_a_torn_file(target: Path) -> None:
    with serve(Site(CONTENT, tells_length=False, break_after=5000)) as site:
        with pytest.raises(DownloadError, match="SHA-256"):
            download(site.address, target, HASH)
        site.break_after = None
        download(site.address, target, HASH)
    assert target.read_bytes() == CONTENT


def test_says_what_the_server_answers(target: Path) -> None:
    with serve(Site(CONTENT)) as site:
        gone = site.address.replace("file.pt", "other.pt")
        with pytest.raises(DownloadError, match="answers 404 Not Found"):
            download(gone, target)
    with pytest.raises(DownloadError, match="cannot be reached"):
        download(site.address, target)
    with pytest.raises(DownloadError, match="begins with https"):
        download("file:///etc/passwd", target)
    assert not target.exists()


@pytest.mark.parametrize(
    "address", ["http://[::1", f"http://{'a' * 70}.org/x", "http://127.0.0.1:9/ü", "http://a b/"]
)
def test_an_address_that_is_none(target: Path, address: str) -> None:
    with pytest.raises(DownloadError, match="cannot be reached"):
        download(address, target)


def test_what_the_check_refuses_leaves_nothing_and_another_process_has_to_wait(target: Path) -> None:
    seen = []

    def refuse(part: Path) -> None:
        seen.append(part.read_bytes() == CONTENT and not target.exists())
        with pytest.raises(DownloadError, match="Another process is downloading"):
            download(site.address, target)
        raise WeightsError("not that")

    with serve(Site(CONTENT)) as site:
        with pytest.raises(WeightsError, match="not that"):
            download(site.address, target, HASH, check=refuse)
        assert seen == [True]
        assert beside(target) == []
        assert download(site.address, target) == HASH


def test_offline_asks_no_server(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Site(CONTENT)) as site:
        monkeypatch.setenv("FUSIONBENCH_OFFLINE", "1")
        with pytest.raises(
            DownloadError, match=r"cannot be downloaded: --offline or .* forbids any network use"
        ):
            download(site.address, target)
        assert site.asked == []
        monkeypatch.setenv("FUSIONBENCH_OFFLINE", "0")
        download(site.address, target)
    assert target.read_bytes() == CONTENT


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("a file where a folder is needed")
    with serve(Site(CONTENT)) as site, pytest.raises(OutputError, match="Cannot write"):
        download(site.address, tmp_path / "weights" / "file.pt")
