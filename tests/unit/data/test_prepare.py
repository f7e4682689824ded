"""GeoTIFF scenes become the 8-bit images that the catalog's splits read: WHU-OPT-SAR and TerraMesh."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fusionbench.data.checking.verify import verify
from fusionbench.data.images import read_image
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import DataNotFoundError, ImageError, OutputError, RequestError

rasterio = pytest.importorskip("rasterio", reason="preparing GeoTIFFs needs the extra geo")

from fusionbench.data.prepare import prepare  # noqa: E402  after the check for rasterio

WHU, TERRAMESH = dataset("whu-opt-sar"), dataset("terramesh")
SCENES = ("NH49E001013", "NI49E024020")


def save(path: Path, bands: np.ndarray, **options: object) -> Path:
    """Write [bands, H, W] as a GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    grid = rasterio.Affine(5, 0, 500000, 0, -5, 3400000)
    profile = {"count": count, "height": height, "width": width, "dtype": bands.dtype, "crs": "EPSG:32649"}
    with rasterio.open(path, "w", driver="GTiff", transform=grid, **profile, **options) as file:
        file.write(bands)
    return path


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def whu(root: Path, names: tuple[str, ...] = SCENES, height: int = 520, width: int = 600) -> Path:
    """Write small scenes in WHU-OPT-SAR's layout: 2 x 2 patches each, with a remainder on both sides."""
    for number, name in enumerate(names):
        save(root / "WHU-OPT-SAR" / "sar" / f"{name}.tif", noise(1, height, width, seed=number))
        save(root / "WHU-OPT-SAR" / "optical" / f"{name}.tif", noise(4, height, width, seed=10 + number))
    return root


def terramesh(root: Path, sar: np.ndarray, name: str = "38D_378R_2_3", **options: object) -> Path:
    """Write one sample in TerraMesh's layout; VH is VV less 6 dB."""
    save(root / "TerraMesh" / "S1RTC" / f"{name}.tif", np.stack([sar, sar - 6]), **options)
    save(root / "TerraMesh" / "S2RGB" / f"{name}.tif", noise(3, *sar.shape))
    return root


def stored(root: Path, name: str = "38D_378R_2_3") -> np.ndarray:
    return read_image(root / "TerraMesh" / "prepared" / "sar" / f"{name}.png")


def read_raw(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def test_scenes_become_patches_without_the_remainder(tmp_path: Path) -> None:
    done = prepare(WHU, whu(tmp_path))
    assert (done.scenes, done.pairs, done.written, done.kept, done.stretched) == (2, 8, 8, 0, 0)
    base = tmp_path / "WHU-OPT-SAR"
    corners = [(y, x) for y in (0, 256) for x in (0, 256)]
    names = {f"{scene}_y{y:04d}_x{x:04d}.png" for scene in SCENES for y, x in corners}
    assert {path.name for path in (base / "prepared" / "sar").iterdir()} == names
    assert {path.name for path in (base / "prepared" / "opt").iterdir()} == names


def test_patches_hold_the_scene_s_pixels_and_its_first_three_bands(tmp_path: Path) -> None:
    prepare(WHU, whu(tmp_path))
    base = tmp_path / "WHU-OPT-SAR"
    sar, optical = (read_raw(base / folder / f"{SCENES[0]}.tif") for folder in ("sar", "optical"))
    patch = f"{SCENES[0]}_y0256_x0000.png"
    np.testing.assert_array_equal(read_image(base / "prepared/sar" / patch), sar[0, 256:512, :256])
    expected = optical[:3, 256:512, :256].transpose(1, 2, 0)
    np.testing.assert_array_equal(read_image(base / "prepared/opt" / patch), expected)


def test_prepared_patches_are_found_in_both_splits(tmp_path: Path) -> None:
    root = whu(tmp_path, tuple(f"NH49E{number:06d}" for number in range(6)), 257, 800)
    prepare(WHU, root)
    train, test = (find_split(WHU, split, root).ids for split in ("train", "test"))
    assert len(train) + len(test) == 18
    assert test
    assert not set(train) & set(test)
    assert [str(problem) for problem in verify(WHU, root) if problem.level == "error"] == []


def test_a_full_scene_has_294_patches(tmp_path: Path) -> None:
    from fusionbench.data.prepare import _Scene, _targets

    scene = _Scene("NH49E001013", tmp_path / "a", tmp_path / "b", 5556, 3704)
    tiles = list(_targets(WHU, WHU.prepare, scene, tmp_path))
    assert 100 * len(tiles) == sum(split.count for split in WHU.splits.values()) == 29400
    assert tiles[-1].a.name == "NH49E001013_y3328_x5120.png"


def test_a_second_call_makes_only_what_is_missing(tmp_path: Path) -> None:
    root, seen = whu(tmp_path), []
    prepare(WHU, root, on_scene=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    opt = tmp_path / "WHU-OPT-SAR" / "prepared" / "opt"
    gone = opt / f"{SCENES[1]}_y0000_x0256.png"
    before = gone.read_bytes()
    gone.unlink()
    untouched = {path: path.stat().st_mtime_ns for path in opt.iterdir()}
    done = prepare(WHU, root)
    assert (done.written, done.kept) == (1, 7)
    assert gone.read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in untouched} == untouched


def test_an_interrupted_write_leaves_no_file_under_the_name(tmp_path: Path, monkeypatch) -> None:
    from PIL import Image

    root = whu(tmp_path)
    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        prepare(WHU, root)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "WHU-OPT-SAR" / "prepared").rglob("*.*")] == []
    assert prepare(WHU, root).written == 8


def full_disk(self: object, path: Path, **options: object) -> None:
    path.write_bytes(b"half a fi")
    raise OSError(28, "No space left on device")


def test_other_depths_are_stretched_by_their_percentiles(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 5000, 256 * 256).reshape(1, 256, 256)
    save(tmp_path / "WHU-OPT-SAR" / "sar" / "x.tif", ramp.astype(np.uint16))
    save(tmp_path / "WHU-OPT-SAR" / "optical" / "x.tif", noise(4, 256, 256))
    assert prepare(WHU, tmp_path).stretched == 1
    low, high = np.percentile(ramp, (2, 98))
    image = read_image(tmp_path / "WHU-OPT-SAR" / "prepared" / "sar" / "x_y0000_x0000.png")
    expected = np.clip((ramp[0] - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(image, expected, atol=1)
    assert (image.min(), image.max()) == (0, 255)


def test_decibels_are_mapped_as_the_catalog_says(tmp_path: Path) -> None:
    vv = np.array([[-40, -25, -24.9, -12.5], [-5, -0.1, 0, 2.6]])
    done = prepare(TERRAMESH, terramesh(tmp_path, vv))
    assert (done.pairs, done.stretched) == (1, 0)
    assert stored(tmp_path).tolist() == [[0, 0, 1, 128], [204, 254, 255, 255]]


def test_pixels_without_a_value_become_black(tmp_path: Path) -> None:
    vv = np.full((4, 5), -5.0, np.float32)
    vv[0, :4] = np.nan, np.inf, -np.inf, -9999
    prepare(TERRAMESH, terramesh(tmp_path, vv, nodata=-9999))
    image = stored(tmp_path)
    assert image[0].tolist() == [0, 0, 0, 0, 204]
    assert (image[1:] == 204).all()


@pytest.mark.parametrize(
    ("vv", "message"),
    [
        (np.full((4, 5), np.nan), "has no pixel with a value: remove the scene"),
        (np.full((4, 5), 0.3), r"does not hold backscatter in dB \(float64, lowest value 0.3\)"),
        (np.full((4, 5), -1200, np.int16), r"\(int16, median -1200; hundredths of dB\?\): convert it"),
        (np.full((4, 5), 9, np.uint8), r"does not hold backscatter in dB \(uint8"),
    ],
)
def test_sar_that_is_not_decibels(tmp_path: Path, vv: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare(TERRAMESH, terramesh(tmp_path, vv))


def test_real_terramesh_by_another_reader(shared_data: Path, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="the independent reader of this comparison")
    done = prepare(TERRAMESH, shared_data, tmp_path)
    split = find_split(TERRAMESH, "test", tmp_path)
    assert done.pairs == len(split.pairs) == 4
    for pair in split.pairs:
        raw = tifffile.imread(shared_data / "TerraMesh" / "S1RTC" / f"{pair.id}.tif")
        vv = raw[0] if raw.shape[0] == 2 else raw[..., 0]
        a, b = read_image(pair.a), read_image(pair.b)
        np.testing.assert_allclose(a / 255, np.clip((vv + 25) / 25, 0, 1), atol=0.5 / 255 + 1e-9)
        assert a.std() > 10
        np.testing.assert_array_equal(b, read_image(shared_data / "TerraMesh" / "S2RGB" / f"{pair.id}.tif"))


def test_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"no folder '.*WHU-OPT-SAR/sar'.*--data-root"):
        prepare(WHU, tmp_path)


def test_scenes_without_partner(tmp_path: Path) -> None:
    root = whu(tmp_path)
    for scene in SCENES:
        (root / "WHU-OPT-SAR" / "optical" / f"{scene}.tif").unlink()
    with pytest.raises(DataNotFoundError, match=r"sar/NH49E001013.tif' has no partner \(nor have 1 others\)"):
        prepare(WHU, root)


def test_folders_without_scenes(tmp_path: Path) -> None:
    for folder in ("sar", "optical"):
        (tmp_path / "WHU-OPT-SAR" / folder).mkdir(parents=True)
    with pytest.raises(DataNotFoundError, match="no image matches"):
        prepare(WHU, tmp_path)


def test_all_scenes_are_looked_over_before_the_first_image(tmp_path: Path) -> None:
    root = whu(tmp_path)
    save(root / "WHU-OPT-SAR" / "optical" / f"{SCENES[1]}.tif", noise(4, 520, 599))
    with pytest.raises(ImageError, match=r"600x520 and '.*optical/NI49E024020.tif' is 599x520"):
        prepare(WHU, root)
    assert not (root / "WHU-OPT-SAR" / "prepared").exists()


def test_a_scene_smaller_than_a_patch(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="600x255, smaller than one patch of 256x256"):
        prepare(WHU, whu(tmp_path, height=255))


def test_an_optical_scene_of_two_bands(tmp_path: Path) -> None:
    root = whu(tmp_path)
    save(root / "WHU-OPT-SAR" / "optical" / f"{SCENES[0]}.tif", noise(2, 520, 600))
    with pytest.raises(ImageError, match="has two bands"):
        prepare(WHU, root)


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_a_damaged_scene_is_named(tmp_path: Path, keep: float) -> None:
    root = whu(tmp_path)
    path = root / "WHU-OPT-SAR" / "sar" / f"{SCENES[1]}.tif"
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(
        ImageError, match=r"sar/NI49E024020.tif' cannot be read as a GeoTIFF .*get the file again"
    ):
        prepare(WHU, root)


def test_scenes_without_a_place_on_earth_are_taken(tmp_path: Path) -> None:
    from PIL import Image

    for folder, shape in (("sar", (256, 256)), ("optical", (256, 256, 3))):
        (tmp_path / "WHU-OPT-SAR" / folder).mkdir(parents=True)
        Image.fromarray(noise(*shape)).save(tmp_path / "WHU-OPT-SAR" / folder / "x.tif")
    assert prepare(WHU, tmp_path).written == 1


def test_without_rasterio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = whu(tmp_path)
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(RequestError, match=r'`pip install "fusionbench-imaging\[geo\]"`'):
        prepare(WHU, root)


def test_a_data_set_that_needs_none(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="SEN1-2 needs no preparation"):
        prepare(dataset("sen12"), tmp_path)


def test_an_unprepared_copy_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"not prepared yet.*`fusionbench data prepare whu-opt-sar"):
        find_split(WHU, "test", whu(tmp_path))


def test_label_maps_are_tiled_as_numbers_of_classes(tmp_path: Path) -> None:
    root = whu(tmp_path, SCENES[:1])
    values = 10 * np.random.default_rng(5).integers(0, 8, (1, 520, 600)).astype(np.uint8)
    save(root / "WHU-OPT-SAR" / "lbl" / f"{SCENES[0]}.tif", values)
    assert prepare(WHU, root).written == 4
    pairs = find_split(WHU, "train", root).pairs
    patch = next(pair for pair in pairs if pair.id.endswith("y0256_x0000"))
    np.testing.assert_array_equal(read_image(patch.label), values[0, 256:512, :256] // 10)
    assert not any("labels cannot" in str(problem) for problem in verify(WHU, root))
    assert all(pair.label for pair in pairs)


def test_a_label_map_with_an_unknown_value_is_refused(tmp_path: Path) -> None:
    root = whu(tmp_path, SCENES[:1])
    save(root / "WHU-OPT-SAR" / "lbl" / f"{SCENES[0]}.tif", np.full((1, 520, 600), 75, np.uint8))
    with pytest.raises(ImageError, match="holds 75, which is not a class"):
        prepare(WHU, root)
