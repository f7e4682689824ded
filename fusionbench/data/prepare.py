"""Converting a publisher's GeoTIFF scenes to the 8-bit images that the catalog's splits name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.data.formats import geotiff
from fusionbench.data.images import write_image
from fusionbench.data.pairs import data_root, list_images
from fusionbench.data.spec import DatasetSpec, PrepareSpec
from fusionbench.errors import DataNotFoundError, ImageError, RequestError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


@dataclass(frozen=True)
class Prepared:
    """The result of a preparation: numbers of scenes and pairs, of which ``written`` are new and ``kept`` were there.

    ``stretched`` counts the written scenes with a source that was not 8-bit and was stretched by percentiles.
    """

    dataset: str
    folder: str
    scenes: int
    pairs: int
    written: int
    kept: int
    stretched: int


@dataclass(frozen=True)
class _Scene:
    name: str
    a: Path
    b: Path
    width: int
    height: int
    label: Path | None = None


@dataclass(frozen=True)
class _Target:
    """One pair of images to be written: its files and its position in the scene; ``label`` if the scene has one."""

    a: Path
    b: Path
    y: int
    x: int
    height: int
    width: int
    label: Path | None = None

    @property
    def done(self) -> bool:
        """Whether all files exist, which means that they are complete, because they are renamed into place."""
        return all(path is None or path.is_file() for path in (self.a, self.b, self.label))


def prepare(
    spec: DatasetSpec,
    root: str | Path | None = None,
    out: str | Path | None = None,
    on_scene: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Write the missing images of a data set below the data root ``out`` (None: the data root itself).

    All scenes are checked before the first image is written. ``on_scene`` is called after each scene with the number done
    and the total. Raises RequestError if there is nothing to prepare or rasterio is missing, DataNotFoundError for missing
    folders and partners, ImageError for scenes that cannot be used.
    """
    if spec.prepare is None:
        raise RequestError(f"{spec.title} needs no preparation: its images are read as published.")
    base, target = data_root(root) / spec.folder, data_root(out or root) / spec.folder
    scenes = [_look_over(*files, spec.prepare) for files in _find_scenes(spec, spec.prepare, base)]
    pairs = written = stretched = 0
    for number, scene in enumerate(scenes, 1):
        targets = list(_targets(spec, spec.prepare, scene, target))
        missing = [item for item in targets if not item.done]
        if missing:
            stretched += _write(scene, missing, spec.prepare)
        pairs, written = pairs + len(targets), written + len(missing)
        if on_scene:
            on_scene(number, len(scenes))
    return Prepared(spec.name, str(target), len(scenes), pairs, written, pairs - written, stretched)


def _find_scenes(
    spec: DatasetSpec, how: PrepareSpec, base: Path
) -> list[tuple[str, Path, Path, Path | None]]:
    """Return (name, a, b, label map or None) of every scene. Raises DataNotFoundError if a folder or partner is missing."""
    for folder in ((base / how.a).parent, (base / how.b).parent):
        if not folder.is_dir():
            raise DataNotFoundError(
                f"{spec.title} is not here: no folder '{folder}'. Point --data-root at the folder that holds "
                f"'{spec.folder}'; `fusionbench info {spec.name}` says where to get it."
            )
    a, b = list_images(base, how.a), list_images(base, how.b)
    alone = [path for here, there in ((a, b), (b, a)) for name, path in here.items() if name not in there]
    if alone or not a:
        what = f"'{alone[0]}' has no partner" if alone else f"no image matches '{base / how.a}'"
        more = f" (nor have {len(alone) - 1} others)" if len(alone) > 1 else ""
        raise DataNotFoundError(
            f"{spec.title} is not whole: {what}{more}; put the files of one name into both folders."
        )
    labels = list_images(base, how.label) if how.label else {}
    return [(name, path, b[name], labels.get(name)) for name, path in a.items()]


def _look_over(name: str, a: Path, b: Path, label: Path | None, how: PrepareSpec) -> _Scene:
    """Return a scene with its size, read from the headers. Raises ImageError if the sizes of its files differ."""
    with geotiff.open_scene(a) as sar:
        size = sar.width, sar.height
    for path in filter(None, (b, label)):
        with geotiff.open_scene(path) as other:
            if size != (other.width, other.height):
                raise ImageError(
                    f"The images of a scene must have one size: '{a}' is {size[0]}x{size[1]} and '{path}' is "
                    f"{other.width}x{other.height}; get both files again."
                )
    if how.patch and min(size) < how.patch:
        raise ImageError(
            f"'{a}' is {size[0]}x{size[1]}, smaller than one patch of {how.patch}x{how.patch}: remove it."
        )
    return _Scene(name, a, b, *size, label)


def _targets(spec: DatasetSpec, how: PrepareSpec, scene: _Scene, folder: Path) -> Iterator[_Target]:
    """Yield the tiles of a scene from its top left corner, without incomplete ones; one tile without patches."""
    side = how.patch
    height, width = (side, side) if side else (scene.height, scene.width)
    into = spec.splits["test"]
    for y in range(0, scene.height - height + 1, height):
        for x in range(0, scene.width - width + 1, width):
            name = f"{scene.name}_y{y:04d}_x{x:04d}.png" if side else f"{scene.name}.png"
            a, b = ((folder / glob).parent / name for glob in (into.a, into.b))
            label = (folder / into.label).parent / name if into.label and scene.label else None
            yield _Target(a, b, y, x, height, width, label)


def _write(scene: _Scene, targets: list[_Target], how: PrepareSpec) -> bool:
    """Write the tiles of one scene and return whether a source had to be stretched."""
    with geotiff.open_scene(scene.a) as sar:
        bands = geotiff.sar_band(sar)
        scale: tuple[float, float] | None
        if how.decibel:
            scale = geotiff.decibel_range(sar, bands, how.decibel)
        else:
            scale = geotiff.stretch_range(sar, bands)
        _write_tiles(sar, bands, scale, [(item.a, item) for item in targets])
    stretched = scale is not None and not how.decibel
    with geotiff.open_scene(scene.b) as optical:
        bands = geotiff.optical_bands(optical)
        scale = geotiff.stretch_range(optical, bands)
        _write_tiles(optical, bands, scale, [(item.b, item) for item in targets])
    if scene.label:
        _write_labels(scene.label, targets, how.label_values)
    return stretched or scale is not None


def _write_labels(path: Path, tiles: list[_Target], values: tuple[int, ...]) -> None:
    """Write the tiles of a label map, with each pixel as the position of its class in ``values``. Raises ImageError."""
    # numbers outside ``values`` never get here: they are an error below
    positions = np.full(256, 255, np.uint8)
    positions[list(values)] = np.arange(len(values))
    with geotiff.open_scene(path) as scene:
        for tile in tiles:
            window = ((tile.y, tile.y + tile.height), (tile.x, tile.x + tile.width))
            numbers = scene.read(1, window=window)
            if unknown := sorted(set(np.unique(numbers).tolist()) - set(values)):
                raise ImageError(
                    f"'{path}' holds {unknown[0]}, which is not a class: classes are {', '.join(map(str, values))}."
                )
            assert tile.label is not None  # a scene with a label map has tiles with one
            write_image(tile.label, positions[numbers])


def _write_tiles(
    scene: DatasetReader,
    bands: tuple[int, ...],
    scale: geotiff.Range | None,
    tiles: list[tuple[Path, _Target]],
) -> None:
    for path, tile in tiles:
        window = ((tile.y, tile.y + tile.height), (tile.x, tile.x + tile.width))
        write_image(path, geotiff.read_eight_bit(scene, bands, scale, window))
