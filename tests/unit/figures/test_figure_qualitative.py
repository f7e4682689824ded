"""Which images and boxes are shown, and that pixels stay as they are stored."""

from types import SimpleNamespace

import numpy as np
import pytest
from figure_samples import SCORES, board, picture, store
from PIL import Image

from fusionbench.cells import store as results
from fusionbench.errors import DataNotFoundError, ImageError, RequestError, UnknownNameError
from fusionbench.figures import draw
from fusionbench.figures.images.disagreement import box_mean, disagreement, disputed_boxes, disputed_images
from fusionbench.figures.images.pictures import source_pictures
from fusionbench.figures.options import CropBox, Options
from fusionbench.tables.board import build_boards
from fusionbench.tables.source_pairs import SourcePairs


@pytest.fixture
def runs(tmp_path):
    return store(tmp_path)


def stored(folder):
    records = results.read_records(folder)
    (built,) = build_boards(records, results.score_rows(records))
    return built


def test_box_means_are_those_of_the_windows():
    image = np.arange(12.0).reshape(3, 4)
    assert box_mean(image, 2, 2).tolist() == [[2.5, 3.5, 4.5], [6.5, 7.5, 8.5]]


def test_methods_that_agree_disagree_nowhere():
    alike = np.stack([picture(1), picture(1)])
    assert disagreement(alike).shape == (40, 60)
    assert disagreement(alike).max() == pytest.approx(0.0)


def test_the_first_box_lies_on_what_differs_and_the_second_apart():
    lumas = np.stack([picture(number) for number in range(3)]).astype(float)
    first, second = disputed_boxes(lumas, 2)
    assert (first.w, first.h) == (12, 8)  # a fifth of 60 x 40, the size of the square at (36, 24)
    assert (abs(first.x - 36) <= 1, abs(first.y - 24) <= 1) == (True, True)
    assert abs(second.x - first.x) >= 12 or abs(second.y - first.y) >= 8


def test_noise_of_single_pixels_counts_less_than_an_area():
    noise = np.random.default_rng(0).normal(0, 40, (3, 40, 60))
    noise[:, :, 30:] = 0
    noise[1, 10:20, 40:55] = 60
    noise[2, 10:20, 40:55] = -60
    (box,) = disputed_boxes(noise, 1)
    assert box.x >= 30


def test_a_single_row_that_differs_places_no_box_where_several_disagree_elsewhere():
    lumas = np.tile(np.arange(60.0), (4, 40, 1))
    lumas[0, 5:15, 5:17] += 120  # one row alone
    lumas[1, 25:33, 40:52] += 30
    lumas[2, 25:33, 40:52] -= 30
    (box,) = disputed_boxes(lumas, 1)
    assert (abs(box.x - 40) <= 1, abs(box.y - 25) <= 1) == (True, True)


def test_a_box_lies_where_something_is_to_be_seen():
    lumas = np.full((3, 40, 60), 100.0)
    lumas[:, :, :30] += np.array([-40.0, 0.0, 40.0])[:, None, None]  # flat in every row
    lumas[:, :, 30:] += (
        np.random.default_rng(0).integers(-30, 30, (40, 30)) * np.array([0.5, 1.0, 1.5])[:, None, None]
    )
    (box,) = disputed_boxes(lumas, 1)
    assert box.x + box.w > 30


def test_the_most_disputed_images_are_those_where_scores_differ():
    # beta's 99 on p3 stands out in MSE; the trivial copy has no say beside three methods
    assert disputed_images(board(), 1, lambda image: None) == ["p3"]


def test_without_scores_pixels_decide():
    by_image = {"p0": 0, "p1": 2, "p2": 1, "p3": 0}
    lumas = {i: np.stack([picture(0), picture(n)]).astype(float) for i, n in by_image.items()}
    unscored = board({name: {} for name in ("alpha", "beta")})
    assert disputed_images(unscored, 2, lumas.__getitem__) == ["p1", "p2"]


def test_the_grid_shows_stored_pixels_and_says_that_sources_are_missing(runs, tmp_path):
    options = Options(images=("p1",), zooms=(CropBox(36, 24, 12, 8),), data_root=str(tmp_path / "none"))
    drawing = draw("qualitative", [stored(runs)], options)
    shown = [image for axes in drawing.figure.axes for image in axes.images]
    assert len(shown) == 2 * len(SCORES)  # each method's image and its box
    # rows in the table's order: alpha, beta, gamma, then the trivial copy
    for i, number in enumerate((0, 1, 2, 3)):
        assert np.array_equal(shown[2 * i].get_array(), picture(number))
    assert shown[0].get_interpolation() == "none"
    assert np.array_equal(shown[3].get_array(), picture(1)[24:32, 36:48])
    assert shown[1].axes.get_xlim() == (36, 48)
    assert shown[1].axes.get_ylim() == (32, 24)
    assert (
        "Only fused images are shown: the source images of The demo set were not available" in drawing.caption
    )


def test_sources_stand_first_where_they_are_those_that_were_fused(runs, monkeypatch):
    paths = []
    for name in ("a", "b"):
        paths.append(runs / f"{name}.png")
        Image.fromarray(picture(5 if name == "a" else 1)).save(paths[-1])
    pair = SimpleNamespace(id="p1", a=paths[0], b=paths[1])
    sources = SourcePairs({"p1": pair})
    monkeypatch.setattr("fusionbench.figures.images.qualitative.find_sources", lambda board, root: sources)
    drawing = draw("qualitative", [stored(runs)], Options(images=("p1",)))
    first = drawing.figure.axes[1].images[0]
    assert np.array_equal(first.get_array(), picture(5))
    names = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert names[:4] == ["p1", "Infrared", "Visible", "Method alpha"]


def test_abbreviations_of_sources_keep_their_capitals(runs):
    fused_board = stored(runs)
    fused_board.records[0]["dataset"] |= {"a": "SAR", "b": "optical"}
    file = next(runs.rglob("p1.png"))
    tiles = source_pictures(fused_board, SimpleNamespace(id="p1", a=file, b=file))
    assert [tile.label for tile in tiles] == ["SAR", "Optical"]


def test_a_missing_image_is_a_gray_tile_and_a_method_without_any_is_left_out(runs):
    (runs / "demo-test/beta/run-demo-beta/images/p1.png").unlink()
    drawing = draw("qualitative", [stored(runs)], Options(images=("p1",)))
    assert "A gray tile: no image is stored." not in drawing.caption
    assert "Without an image, and not shown: Method beta." in drawing.caption
    both = draw("qualitative", [stored(runs)], Options(images=("p0", "p1")))
    assert "A gray tile: no image is stored." in both.caption
    assert "not shown" not in both.caption


def test_images_are_found_in_every_folder_of_a_run(runs, tmp_path):
    part = tmp_path / "part" / "demo-test/beta/run-demo-beta"
    (part / "images").mkdir(parents=True)
    here = runs / "demo-test/beta/run-demo-beta"
    (part / "run.json").write_bytes((here / "run.json").read_bytes())
    (here / "images/p1.png").rename(part / "images/p1.png")
    records = results.read_records(runs, tmp_path / "part")
    (built,) = build_boards(records, results.score_rows(records))
    for image in ("p0", "p1"):
        assert "beta" not in draw("qualitative", [built], Options(images=(image,))).caption


def test_without_any_image_of_two_methods_the_first_pairs_are_asked_for():
    unscored = board({name: {} for name in ("alpha", "beta")})
    assert disputed_images(unscored, 2, lambda image: None) == ["p0", "p1"]


def test_a_method_alone_differs_from_nobody(runs):
    records = results.read_records(runs / "demo-test/beta")
    (built,) = build_boards(records, results.score_rows(records))
    drawing = draw("qualitative", [built], Options())
    assert "the first of the data set" in drawing.caption
    assert "boxes" not in drawing.caption


def test_images_that_are_all_gone_are_an_error(runs):
    for path in runs.rglob("p1.png"):
        path.unlink()
    with pytest.raises(DataNotFoundError, match="No fused image of 'p1'"):
        draw("qualitative", [stored(runs)], Options(images=("p1",)))


def test_sizes_that_differ_are_an_error(runs):
    Image.fromarray(picture(0)[:20]).save(runs / "demo-test/beta/run-demo-beta/images/p1.png")
    with pytest.raises(ImageError, match="60x20"):
        draw("qualitative", [stored(runs)], Options(images=("p1",)))


def test_an_unknown_image_and_a_box_outside_are_errors(runs):
    with pytest.raises(UnknownNameError, match="did you mean 'p1'"):
        draw("qualitative", [stored(runs)], Options(images=("p11",)))
    with pytest.raises(RequestError, match="leaves image 'p1', which is 60x40"):
        draw("qualitative", [stored(runs)], Options(images=("p1",), zooms=(CropBox(55, 0, 10, 10),)))
