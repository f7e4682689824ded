"""TIFF in every layout, against GDAL (rasterio): read alike or refused, and refused only where it should be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiff_files import LONG, SHORT, TiffKind, write_tiff

from fusionbench.data.images import read_image, read_label
from fusionbench.errors import ImageError

rasterio = pytest.importorskip("rasterio")
tifffile = pytest.importorskip("tifffile")
# images of tests lie nowhere on Earth
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

HEIGHT, WIDTH = 21, 45
RANDOM = np.random.default_rng(5)


def numbers(bits: int, count: int) -> np.ndarray:
    """Return random samples [H, W, count] of this depth."""
    return RANDOM.integers(0, 2**bits, (HEIGHT, WIDTH, count)).astype(np.uint8 if bits <= 8 else np.uint16)


def by_gdal(path: Path, bits: int | None = None) -> np.ndarray:
    """Read a TIFF with GDAL and give its numbers their meaning: [H, W] or [H, W, n], over the full range."""
    with rasterio.open(path) as file:
        samples = np.moveaxis(file.read(), 0, -1)
        negative = file.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"
    top = np.iinfo(samples.dtype).max
    if bits:
        samples = np.rint(samples * (top / (2**bits - 1))).astype(samples.dtype)
    samples = top - samples if negative else samples
    return samples[..., 0] if samples.shape[2] == 1 else samples


def save_by_gdal(path: Path, samples: np.ndarray, **options: Any) -> Path:
    """Write [H, W, bands] with GDAL's own writer."""
    height, width, count = samples.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=samples.dtype, **options
    ) as file:
        file.write(np.moveaxis(samples, -1, 0))
    return path


def by_hand() -> Iterator[tuple[TiffKind, int]]:
    """Yield 192 layouts without compression: kind and number of samples."""
    for bits, order, fill, rows in itertools.product((1, 2, 4, 8, 10, 12, 14, 16), "<>", (1, 2), (None, 4)):
        for photometric, planar in ((0, 1), (1, 1), (2, 1 if rows else 2)):
            count = 3 if photometric == 2 else 1
            yield TiffKind(bits, photometric, planar, fill, order, rows), count


def by_writers() -> Iterator[tuple[np.dtype, str, str, str, dict[str, Any]]]:
    """Yield 104 compressed layouts of tifffile: depth, photometric, planes, strips or tiles, compression."""
    codecs = [
        {},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": 2},
        {"compression": "zlib", "predictor": 2},
        {"compression": "packbits"},
        {"compression": "zstd", "predictor": 2},
        {"compression": "lzma"},
    ]
    shapes = (("minisblack", "contig"), ("miniswhite", "contig"), ("rgb", "contig"), ("rgb", "separate"))
    for number, (depth, shape, codec) in enumerate(itertools.product((np.uint8, np.uint16), shapes, codecs)):
        for cut in ("strips", "tiles"):
            order = {"byteorder": "<>"[number % 2], "bigtiff": number % 3 == 0}
            if codec or cut == "tiles":
                yield np.dtype(depth), *shape, cut, codec | order


def gdal_kinds() -> Iterator[tuple[np.dtype, int, dict[str, Any]]]:
    """Yield 80 layouts of GDAL: depth, bands and creation options, most of which are no image to fuse."""
    for depth, count, interleave, codec in itertools.product(
        (np.uint8, np.uint16), (1, 2, 3, 4, 13), ("band", "pixel"), ("none", "lzw", "deflate", "packbits")
    ):
        yield np.dtype(depth), count, {"interleave": interleave, "compress": codec}


@pytest.mark.parametrize(("kind", "count"), list(by_hand()))
def test_every_depth_and_layout_is_read_as_gdal_does(tmp_path: Path, kind: TiffKind, count: int) -> None:
    stored = numbers(kind.bits, count)
    path = write_tiff(tmp_path / "x.tif", stored, kind)
    read = read_image(path)
    bits = None if kind.bits in (8, 16) else kind.bits
    np.testing.assert_array_equal(read, by_gdal(path, bits))
    top = np.iinfo(read.dtype).max
    expected = np.rint(stored * (top / (2**kind.bits - 1)))
    expected = top - expected if kind.photometric == 0 else expected
    np.testing.assert_array_equal(np.atleast_3d(read), expected)  # GDAL and we could share a mistake


@pytest.mark.parametrize(("depth", "photometric", "planes", "cut", "options"), list(by_writers()))
def test_every_compression_is_read_as_gdal_does(
    tmp_path: Path, depth: np.dtype, photometric: str, planes: str, cut: str, options: dict[str, Any]
) -> None:
    stored = numbers(depth.itemsize * 8, 3 if photometric == "rgb" else 1).astype(depth)
    image = np.moveaxis(stored, -1, 0) if planes == "separate" else stored.squeeze()
    layout = {"tile": (16, 32)} if cut == "tiles" else {"rowsperstrip": 5}
    planar = {"planarconfig": planes} if photometric == "rgb" else {}
    tifffile.imwrite(
        tmp_path / "x.tif", image, photometric=photometric, metadata=None, **planar, **layout, **options
    )
    read = read_image(tmp_path / "x.tif")
    assert read.dtype == depth
    np.testing.assert_array_equal(read, by_gdal(tmp_path / "x.tif"))
    positive = stored if photometric != "miniswhite" else np.iinfo(depth).max - stored
    np.testing.assert_array_equal(np.atleast_3d(read), positive)


@pytest.mark.parametrize(("depth", "count", "options"), list(gdal_kinds()))
def test_bands_are_read_where_they_are_grey_or_red_green_and_blue_and_counted_elsewhere(
    tmp_path: Path, depth: np.dtype, count: int, options: dict[str, Any]
) -> None:
    path = save_by_gdal(tmp_path / "x.tif", numbers(depth.itemsize * 8, count).astype(depth), **options)
    if count == 1 or (count == 3 and depth == np.uint8):  # GDAL marks three bands of 8 bits as RGB, of 16 not
        np.testing.assert_array_equal(read_image(path), by_gdal(path))
    else:
        with pytest.raises(
            ImageError, match=rf"x.tif' has {count} bands[^;]*: save .* as an 8- or 16-bit PNG"
        ):
            read_image(path)


@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("extra", ["unspecified", "NON-PREMULTIPLIED", "PREMULTIPLIED"])
def test_a_fourth_band_is_near_infrared_until_it_is_opaque(
    tmp_path: Path, interleave: str, depth: type, extra: str
) -> None:
    stored = numbers(16, 4).astype(depth)
    options = {"photometric": "RGB", "interleave": interleave, "alpha": extra}
    with pytest.raises(ImageError, match=r"has 4 bands.*: save red, green and blue as an 8- or 16-bit PNG"):
        read_image(save_by_gdal(tmp_path / "x.tif", stored, **options))
    stored[..., 3] = np.iinfo(depth).max
    path = save_by_gdal(tmp_path / "opaque.tif", stored, **options)
    if extra == "unspecified":
        with pytest.raises(ImageError, match="has 4 bands"):
            read_image(path)
    else:
        np.testing.assert_array_equal(read_image(path), stored[..., :3])


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_with_opaque_alpha_is_grey(tmp_path: Path, photometric: int) -> None:
    stored = numbers(8, 2)
    stored[..., 1] = 255
    path = write_tiff(tmp_path / "x.tif", stored, TiffKind(photometric=photometric, extra=(2,)))
    np.testing.assert_array_equal(read_image(path), stored[..., 0] if photometric else 255 - stored[..., 0])
    stored[3, 4, 1] = 0
    write_tiff(path, stored, TiffKind(photometric=photometric, extra=(2,)))
    with pytest.raises(ImageError, match="has 2 bands, the last marked as transparency"):
        read_image(path)


@pytest.mark.parametrize("kind", ["grey8", "grey16", "rgb8", "rgb16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_ignored_in_tiff_too(tmp_path: Path, kind: str, orientation: int) -> None:
    bits, count = (16 if "16" in kind else 8), (3 if "rgb" in kind else 1)
    stored = numbers(bits, count)
    turned = TiffKind(bits, 2 if count == 3 else 1, more=((274, SHORT, (orientation,)),))
    read = read_image(write_tiff(tmp_path / "x.tif", stored, turned))
    np.testing.assert_array_equal(read, by_gdal(tmp_path / "x.tif"))
    np.testing.assert_array_equal(np.atleast_3d(read), stored)


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("unit", [257, 256])
@pytest.mark.parametrize("grey", [False, True])
def test_a_palette_is_expanded(tmp_path: Path, bits: int, unit: int, grey: bool) -> None:
    colors = RANDOM.integers(1, 256, (3, 2**bits))
    colors = np.broadcast_to(colors[:1], colors.shape) if grey else colors
    stored = numbers(bits, 1)
    kind = TiffKind(bits, 3, more=((320, SHORT, tuple((colors * unit).ravel().tolist())),))
    read = read_image(write_tiff(tmp_path / "x.tif", stored, kind))
    np.testing.assert_array_equal(read, colors[0][stored[..., 0]] if grey else colors.T[stored[..., 0]])
    with rasterio.open(tmp_path / "x.tif") as file:
        table = np.array([file.colormap(1)[i][:3] for i in range(2**bits)])
    np.testing.assert_array_equal(
        np.atleast_3d(read), np.atleast_3d(table[stored[..., 0]])[..., : 1 if grey else 3]
    )
    np.testing.assert_array_equal(read_label(tmp_path / "x.tif"), stored[..., 0])


def test_a_palette_of_16_bits_keeps_them_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    stored, colors = numbers(8, 1), RANDOM.integers(0, 65536, (3, 256))
    deep = TiffKind(8, 3, more=((320, SHORT, tuple(colors.ravel().tolist())),))
    np.testing.assert_array_equal(
        read_image(write_tiff(tmp_path / "x.tif", stored, deep)), colors.T[stored[..., 0]]
    )
    for damaged in ((), ((320, SHORT, (1, 2, 3)),), ((320, SHORT, tuple(range(256)) * 3),)):
        with pytest.raises(ImageError, match=r"palette|damaged"):
            read_image(write_tiff(tmp_path / "x.tif", stored, TiffKind(8, 3, more=damaged)))


@pytest.mark.parametrize("codec", ["CCITTRLE", "CCITTFAX3", "CCITTFAX4"])
@pytest.mark.parametrize("photometric", ["MINISWHITE", "MINISBLACK"])
def test_fax_compressions_are_read_as_gdal_does(tmp_path: Path, codec: str, photometric: str) -> None:
    stored = numbers(1, 1)
    path = save_by_gdal(tmp_path / "x.tif", stored, nbits=1, compress=codec, photometric=photometric)
    white = 255 - stored * 255 if photometric == "MINISWHITE" else stored * 255
    np.testing.assert_array_equal(read_image(path), white[..., 0])
    np.testing.assert_array_equal(read_image(path), np.asarray(Image.open(path).convert("L")))


@pytest.mark.parametrize("photometric", ["MINISBLACK", "MINISWHITE", "RGB", "YCBCR"])
@pytest.mark.parametrize("tiled", [False, True])
def test_jpeg_in_tiff_is_decoded_as_in_a_jpeg_file(tmp_path: Path, photometric: str, tiled: bool) -> None:
    y, x = np.mgrid[:64, :64]
    bands = [128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), x + y]
    smooth = np.stack(bands[: 1 if "MINIS" in photometric else 3], axis=-1).astype(np.uint8)
    blocks = {"tiled": True, "blockxsize": 32, "blockysize": 32} if tiled else {}
    path = save_by_gdal(
        tmp_path / "x.tif", smooth, compress="JPEG", photometric=photometric, interleave="pixel", **blocks
    )
    read = read_image(path)
    np.testing.assert_array_equal(
        read, np.asarray(Image.open(path).convert("RGB" if read.ndim == 3 else "L"))
    )
    # readers may interpolate the halved chroma of YCbCr in different ways
    np.testing.assert_allclose(read, by_gdal(path), atol=10 if photometric == "YCBCR" else 0)


def test_cmyk_is_converted_as_in_other_files(tmp_path: Path) -> None:
    stored = numbers(8, 4)
    read = read_image(write_tiff(tmp_path / "x.tif", stored, TiffKind(photometric=5)))
    np.testing.assert_array_equal(read, np.asarray(Image.fromarray(stored, "CMYK").convert("RGB")))
    with rasterio.open(tmp_path / "x.tif") as file:
        np.testing.assert_allclose(read, np.moveaxis(file.read()[:3], 0, -1), atol=1)


UNREADABLE = [
    (TiffKind(32), 1, "stores pixels as 'uint32', which has no fixed range"),
    (TiffKind(16, more=((339, SHORT, (2,)),)), 1, "stores pixels as 'int16'"),
    (TiffKind(8, more=((339, SHORT, (2,)),)), 1, "stores pixels as 'int8'"),
    (TiffKind(32, more=((339, SHORT, (3,)),)), 1, "stores pixels as 'float32'"),
    (TiffKind(8, None), 1, "an unnamed kind"),
    (TiffKind(8, 4), 1, "as MASK"),
    (TiffKind(8, 6), 3, "as YCBCR"),
    (TiffKind(8, 8), 3, "as CIELAB"),
    (TiffKind(8, 32803), 1, "as CFA"),
    (TiffKind(16, 5), 4, "as SEPARATED"),
    (TiffKind(8, 5, more=((332, SHORT, (2,)),)), 4, "as SEPARATED"),
    (TiffKind(8, 2), 4, "has 4 bands: save red"),
    (TiffKind(8, 2, extra=(0,)), 4, "has 4 bands: save red"),
    (TiffKind(8, 2, extra=(0, 0)), 5, "has 5 bands: save red"),
    (TiffKind(8, 2), 2, "has 2 bands: save the one"),
    (TiffKind(8, 1, extra=(0,)), 2, "has 2 bands: save the one"),
    (TiffKind(8, 1, planar=2), 3, "has 3 bands, not marked as red, green and blue"),
    (TiffKind(8, more=((317, SHORT, (2,)),)), 1, "names a predictor"),
    (TiffKind(8, more=((254, LONG, (1,)),)), 1, "begins with a preview"),
    (TiffKind(8, more=((32997, LONG, (2,)),)), 1, "is a volume|damaged"),
]


@pytest.mark.parametrize(("kind", "count", "message"), UNREADABLE)
def test_what_has_no_one_meaning_is_refused(tmp_path: Path, kind: TiffKind, count: int, message: str) -> None:
    path = write_tiff(tmp_path / "x.tif", numbers(min(kind.bits, 16), count), kind)
    with pytest.raises(ImageError, match=rf"x.tif'.*({message})"):
        read_image(path)


@pytest.mark.parametrize("codec", ["jpegxl", "jpeg2000", "webp", "lerc"])
def test_other_compressions_are_named(tmp_path: Path, codec: str) -> None:
    stored = numbers(8, 3)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", compression=codec)
    with pytest.raises(ImageError, match=r"x.tif' is compressed by \w+, which is not read"):
        read_image(tmp_path / "x.tif")


def test_overviews_do_no_harm_and_masks_and_stacks_are_refused(tmp_path: Path) -> None:
    stored = numbers(8, 3)
    path = save_by_gdal(tmp_path / "x.tif", stored, photometric="RGB")
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2])
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 2
    np.testing.assert_array_equal(read_image(path), stored)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 2 == 0)
    with pytest.raises(ImageError, match="holds 2 images"):
        read_image(path)
    stack = np.stack([stored[..., 0]] * 3)
    tifffile.imwrite(tmp_path / "s.tif", stack, photometric="minisblack")
    with pytest.raises(ImageError, match="holds 3 images"):
        read_image(tmp_path / "s.tif")
    tifffile.imwrite(tmp_path / "i.tif", stack, imagej=True, truncate=True)  # one header, three planes
    with pytest.raises(ImageError, match="holds 3 images"):
        read_image(tmp_path / "i.tif")


@pytest.mark.parametrize("codec", ["none", "lzw", "deflate", "zstd", "packbits", "jpeg"])
def test_a_missing_part_is_never_filled_in(tmp_path: Path, codec: str) -> None:
    large = np.repeat(numbers(8, 1), 8, axis=0)
    path = save_by_gdal(tmp_path / "x.tif", large, compress=codec, blockysize=8)
    read_image(path)
    whole = path.read_bytes()
    for kept in (0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[: int(kept * len(whole))])
        with pytest.raises(ImageError, match="damaged or cut off"):
            read_image(path)


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "x.tif", "w", driver="GTiff", height=64, width=64, count=1, dtype="uint8", sparse_ok=True,
        tiled=True, blockxsize=32, blockysize=32,
    ) as file:  # fmt: skip
        file.write(np.full((32, 32), 7, np.uint8), 1, window=((0, 32), (0, 32)))
    with pytest.raises(ImageError, match="a part is absent"):
        read_image(tmp_path / "x.tif")


def test_an_image_too_large_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tiff(tmp_path / "x.tif", numbers(8, 1), TiffKind())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(ImageError, match="has more pixels"):
        read_image(path)


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_labels_keep_their_numbers(tmp_path: Path, bits: int) -> None:
    stored = numbers(min(bits, 3), 1)
    path = write_tiff(tmp_path / "x.tif", stored, TiffKind(bits))
    np.testing.assert_array_equal(read_label(path), stored[..., 0])


def test_at_least_120_layouts_are_compared() -> None:
    assert len(list(by_hand())) + len(list(by_writers())) + len(list(gdal_kinds())) >= 370
