import numpy as np
import pytest
from page_samples import IDS, group_of, record, write_images
from PIL import Image

from fusionbench.report.chosen_images import ChosenImage
from fusionbench.report.embedding import Shelf, embedding_sentence, encode_images, wanted_images
from fusionbench.report.pictures import FORMS, encode, text_length
from fusionbench.tables.source_pairs import SourcePairs

SIX = {"EN": [1, 2, 3, 4, 5, 6]}


@pytest.fixture
def shelf(tmp_path):
    write_images(tmp_path / "run", size=(400, 300))
    group = group_of((record(path=tmp_path / "run"), SIX))
    return Shelf(group, SourcePairs(), [ChosenImage(image) for image in IDS])


def length(entries):
    return sum(text_length(p.data) for e in entries for row in e.pictures.values() for p in row if p)


def test_with_room_all_images_are_shown_at_native_size_in_the_best_form(shelf):
    (entry,) = encode_images([shelf], 10**8)
    assert entry.form == FORMS[0]
    assert list(entry.pictures) == list(IDS)
    assert entry.pictures["p1"][:2] == [None, None]
    assert entry.pictures["p1"][2].size == (400, 300)
    assert "6 of 6 pairs embedded. Shown as" in embedding_sentence(entry, 15)
    assert "native size" in embedding_sentence(entry, 15)


def test_with_less_room_the_form_gives_way_first_and_then_the_number(shelf):
    full = length(encode_images([shelf], 10**8))
    (smaller,) = encode_images([shelf], full // 3)
    assert len(smaller.pictures) == 6
    assert smaller.form.side < 400
    assert length([smaller]) <= full // 3
    (fewer,) = encode_images([shelf], length(encode_images([shelf], 1)) + full // 12)
    assert 0 < len(fewer.pictures) < 6
    assert fewer.form == FORMS[-1]
    assert "more would exceed 0.5 MB" in embedding_sentence(fewer, 0.5)


def test_without_room_there_is_none_and_the_page_says_why(shelf):
    (entry,) = encode_images([shelf], 10)
    assert entry.pictures == {}
    assert "none fits into 0.1 MB" in embedding_sentence(entry, 0.1)


def test_files_that_are_gone_or_damaged_have_no_picture(shelf, tmp_path):
    (tmp_path / "run" / "images" / "p1.png").unlink()
    (tmp_path / "run" / "images" / "p2.png").write_bytes(b"no image")
    (entry,) = encode_images([shelf], 10**8)
    assert list(entry.pictures) == ["p3", "p4", "p5", "p6"]
    assert "(no image of the others can be read; " in embedding_sentence(entry, 15)


def test_if_no_file_can_be_read_the_page_does_not_blame_its_size(shelf, tmp_path):
    for path in (tmp_path / "run" / "images").iterdir():
        path.write_bytes(b"no image")
    (entry,) = encode_images([shelf], 10**8)
    assert embedding_sentence(entry, 15) == "No image is embedded: none of the stored images can be read."


def test_groups_share_the_room_evenly(shelf):
    largest = max(text_length(encode(shelf.files(image)[2], FORMS[-1]).data) for image in IDS)
    pair = encode_images([shelf, shelf], int(5.5 * largest))
    assert [len(entry.pictures) for entry in pair] == [3, 2]


def test_an_image_is_never_enlarged_and_16_bits_are_shown(tmp_path):
    Image.fromarray(np.arange(0, 64000, 1000, dtype=np.uint16).reshape(8, 8)).save(tmp_path / "a.png")
    picture = encode(tmp_path / "a.png", FORMS[0])
    assert picture.size == picture.native == (8, 8)
    assert encode(None, FORMS[0]) is None


def test_the_number_asked_for_is_bounded_by_the_pairs(shelf):
    assert wanted_images(None, shelf.group) == 6
    assert wanted_images(2, shelf.group) == 2
    assert wanted_images(0, shelf.group) == 0
