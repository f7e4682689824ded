"""Reading what data sets really hold, and refusing what cannot be fused."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from fusionbench.data.images import load_pair, read_image, read_label
from fusionbench.errors import ImageError
from fusionbench.types import Pair

GREY = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
GREY16 = np.random.default_rng(2).integers(0, 65536, (6, 8), dtype=np.uint16)
COLOR16 = np.random.default_rng(3).integers(0, 65536, (6, 8, 3), dtype=np.uint16)
GREY_RGB = np.stack([GREY] * 3, axis=-1)


def png16(path: Path, channels: np.ndarray, color_type: int) -> Path:
    """Write a 16-bit PNG by hand, independently of the readers under test."""
    height, width = channels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in channels)
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def saved(path: Path, image: np.ndarray | Image.Image, **options: object) -> Path:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(path, **options)
    return path


def with_alpha(color: np.ndarray, alpha: np.ndarray | int) -> np.ndarray:
    color = color[..., None] if color.ndim == 2 else color
    full = np.full((*color.shape[:2], 1), 0, color.dtype)
    full[..., 0] = alpha
    return np.concatenate([color, full], axis=-1)


@pytest.mark.parametrize("image", [GREY, COLOR])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_8_bit_files_are_read_as_stored(tmp_path: Path, image: np.ndarray, suffix: str) -> None:
    read = read_image(saved(tmp_path / f"x{suffix}", image))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, image)
    assert read.flags.writeable


@pytest.mark.parametrize(
    ("stored", "color_type", "expected"),
    [
        (GREY16[..., None], 0, GREY16),
        (COLOR16, 2, COLOR16),
        (with_alpha(GREY16, 65535), 4, GREY16),
        (with_alpha(COLOR16, 65535), 6, COLOR16),
    ],
)
def test_16_bit_png_keeps_its_depth(
    tmp_path: Path, stored: np.ndarray, color_type: int, expected: np.ndarray
) -> None:
    read = read_image(png16(tmp_path / "x.png", stored, color_type))
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("image", [GREY16, COLOR16])
def test_16_bit_tiff_keeps_its_depth(tmp_path: Path, image: np.ndarray) -> None:
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "x.tif"), image if image.ndim == 2 else image[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), image)


@pytest.mark.parametrize("color", [GREY, COLOR])
def test_opaque_alpha_is_dropped(tmp_path: Path, color: np.ndarray) -> None:
    np.testing.assert_array_equal(read_image(saved(tmp_path / "x.png", with_alpha(color, 255))), color)


@pytest.mark.parametrize("color", [GREY, COLOR])
def test_transparent_pixels_are_refused(tmp_path: Path, color: np.ndarray) -> None:
    alpha = np.full(color.shape[:2], 255, np.uint8)
    alpha[2, 3] = 254
    with pytest.raises(ImageError, match=r"x.png' has transparent pixels.*without an alpha channel"):
        read_image(saved(tmp_path / "x.png", with_alpha(color, alpha)))


def test_16_bit_transparency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="transparent pixels"):
        read_image(png16(tmp_path / "x.png", with_alpha(COLOR16, 65534), 6))


def test_a_color_declared_transparent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="transparent pixels"):
        read_image(saved(tmp_path / "x.png", COLOR, transparency=tuple(int(v) for v in COLOR[0, 0])))


def test_a_grey_of_16_bits_declared_transparent_is_refused(tmp_path: Path) -> None:
    path = png16(tmp_path / "x.png", GREY16[..., None], 0)
    header, rest = path.read_bytes()[:33], path.read_bytes()[33:]
    named = b"tRNS" + struct.pack(">H", int(GREY16[0, 0]))
    path.write_bytes(header + struct.pack(">I", 2) + named + struct.pack(">I", zlib.crc32(named)) + rest)
    with pytest.raises(ImageError, match="transparent pixels"):
        read_image(path)


def test_a_color_palette_is_expanded(tmp_path: Path) -> None:
    palette = Image.fromarray(COLOR).quantize(16)
    np.testing.assert_array_equal(
        read_image(saved(tmp_path / "x.png", palette)), np.asarray(palette.convert("RGB"))
    )


def test_a_grey_palette_is_one_channel(tmp_path: Path) -> None:
    palette = Image.fromarray(GREY // 64)
    palette.putpalette([value for level in (255, 170, 85, 0) for value in (level,) * 3])
    expected = 255 - GREY // 64 * 85
    np.testing.assert_array_equal(read_image(saved(tmp_path / "x.png", palette)), expected)


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    read = read_image(saved(tmp_path / "x.png", Image.fromarray(GREY > 127)))
    np.testing.assert_array_equal(read, np.where(GREY > 127, 255, 0))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.jpg", Image.new("CMYK", (8, 6), (0, 255, 255, 0)), quality=95)
    assert read_image(path).shape == (6, 8, 3)
    assert np.abs(read_image(path).astype(int) - [255, 0, 0]).max() <= 6


def test_the_content_decides_not_the_suffix(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", COLOR, format="BMP")
    np.testing.assert_array_equal(read_image(path), COLOR)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_exif_orientation_is_ignored(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter for display
    read = read_image(saved(tmp_path / f"x{suffix}", GREY, exif=exif))
    assert read.shape == GREY.shape
    if suffix != ".jpg":
        np.testing.assert_array_equal(read, GREY)


def test_gif_is_read_and_an_animation_refused(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(saved(tmp_path / "x.gif", GREY)), GREY)
    palette = Image.fromarray(COLOR).quantize(16)
    np.testing.assert_array_equal(
        read_image(saved(tmp_path / "c.gif", palette)), np.asarray(palette.convert("RGB"))
    )
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    with pytest.raises(ImageError, match="holds 2 images"):
        read_image(saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize(("mode", "stored"), [("F", "float32"), ("I", "int32")])
def test_pixels_without_a_range_are_refused(tmp_path: Path, mode: str, stored: str) -> None:
    with pytest.raises(ImageError, match=rf"x.tif' stores pixels as '{stored}'.*scale it"):
        read_image(saved(tmp_path / "x.tif", Image.new(mode, (4, 4))))


def test_several_images_in_a_file_are_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    with pytest.raises(ImageError, match="holds 2 images"):
        read_image(saved(tmp_path / "x.tif", pages[0], save_all=True, append_images=pages[1:]))


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "x.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(ImageError, match=r"x.png' has more pixels"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("tolerant", [False, True], ids=["", "after another package asked for leniency"])
def test_a_truncated_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, tolerant: bool
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / f"cut.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    with pytest.raises(ImageError, match=rf"cut.{suffix}' is .*replace it by the original file"):
        read_image(path)


@pytest.mark.parametrize("position", [0.3, 0.6, 0.9])
def test_a_flipped_byte_in_a_png_is_noticed(tmp_path: Path, position: float) -> None:
    path = saved(tmp_path / "x.png", np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8))
    data = bytearray(path.read_bytes())
    data[int(position * len(data))] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ImageError, match="damaged or cut off"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\): replace it"),
        (b"no image, just text\n" * 9, "is not an image in a format"),
    ],
)
def test_a_file_that_is_no_image_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(ImageError, match=f"x.png' {message}"):
        read_image(tmp_path / "x.png")


@given(st.binary(max_size=200))
def test_random_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(ImageError, match=r"x.png'"):
        read_image(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.png", tmp_path):
        with pytest.raises(ImageError, match=f"'{path}' cannot be read"):
            read_image(path)


def test_b_keeps_its_channels_and_a_is_one(tmp_path: Path) -> None:
    grey, color = saved(tmp_path / "grey.png", GREY), saved(tmp_path / "color.png", COLOR)
    rgb = saved(tmp_path / "rgb.png", GREY_RGB)
    pair = load_pair(Pair("x", rgb, color))
    assert (pair.a.shape, pair.b.shape, pair.a.dtype, pair.b.dtype) == (
        (6, 8),
        (6, 8, 3),
        np.float32,
        np.float32,
    )
    np.testing.assert_array_equal(pair.a, GREY.astype(np.float32) / 255)
    np.testing.assert_array_equal(pair.b, COLOR.astype(np.float32) / 255)
    assert load_pair(Pair("x", grey, grey)).b.shape == (6, 8)
    assert load_pair(Pair("x", grey, rgb)).b.shape == (6, 8, 3)


def test_true_color_in_a_becomes_luma(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", COLOR)
    expected = COLOR.astype(np.float64) @ [0.299, 0.587, 0.114] / 255
    np.testing.assert_allclose(load_pair(Pair("x", path, path)).a, expected, atol=1e-6)


def test_16_bits_fill_the_unit_range(tmp_path: Path) -> None:
    path = png16(tmp_path / "x.png", np.array([[[0], [65535]]], np.uint16), 0)
    assert load_pair(Pair("x", path, path)).a.tolist() == [[0, 1]]


def test_one_pixel_is_an_image(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", np.array([[255]], np.uint8))
    assert load_pair(Pair("x", path, path)).b.tolist() == [[1.0]]


def test_different_sizes_are_refused(tmp_path: Path) -> None:
    a, b = saved(tmp_path / "a.png", GREY), saved(tmp_path / "b.png", COLOR[:, :5])
    with pytest.raises(ImageError, match=r"a.png' is 8x6 and '.*b.png' is 5x6"):
        load_pair(Pair("x", a, b))


def test_real_pairs_of_every_kind_are_read(shared_data: Path) -> None:
    infrared_rgb = load_pair(Pair("x", shared_data / "TNO/ir/01.png", shared_data / "TNO/vi/01.png"))
    assert (infrared_rgb.a.ndim, infrared_rgb.b.ndim) == (2, 3)
    jpeg = shared_data / "RoadScene"
    road = load_pair(Pair("x", jpeg / "cropinfrared/FLIR_00006.jpg", jpeg / "crop_LR_visible/FLIR_00006.jpg"))
    assert road.b.shape == (*road.a.shape, 3)
    with pytest.raises(ImageError, match="stores pixels as 'float64'"):
        read_image(next((shared_data / "TerraMesh" / "S1RTC").glob("*.tif")))  # float64 in decibel


def test_label_numbers_are_kept_also_from_a_palette(tmp_path: Path) -> None:
    numbers = GREY % 9
    palette = Image.fromarray(numbers)
    palette.putpalette(list(range(255, -1, -1)) * 3)
    for path in (
        saved(tmp_path / "p.png", palette),
        saved(tmp_path / "l.png", numbers),
        saved(tmp_path / "rgb.png", np.stack([numbers] * 3, axis=-1)),
        png16(tmp_path / "16.png", numbers[..., None].astype(np.uint16), 0),
    ):
        np.testing.assert_array_equal(read_label(path), numbers)
        assert read_label(path).dtype == np.uint8


def test_real_label_maps_are_read(shared_data: Path) -> None:
    numbers = np.stack([read_label(path) for path in (shared_data / "TerraMesh" / "LULC").glob("*.tif")])
    assert 1 <= numbers.min() < numbers.max() <= 9


def test_pictures_of_labels_are_no_labels(tmp_path: Path) -> None:
    for path in (saved(tmp_path / "c.png", COLOR), png16(tmp_path / "16.png", GREY16[..., None], 0)):
        with pytest.raises(ImageError, match="is not a label map"):
            read_label(path)
