"""Sweeps: one YAML file that describes many runs over methods, data sets, seeds, arguments and training sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from fusionbench.cells.planned import RunOptions, row_name
from fusionbench.config import read_yaml, refuse_interpolation, unknown_key, wrong_type
from fusionbench.data.noise.setting import CLEAN, read_noise, spread_noise
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, FusionbenchError, UnknownNameError
from fusionbench.metrics.tasks import is_task_metric
from fusionbench.providers import share
from fusionbench.registry.arguments import takes
from fusionbench.registry.methods import spec
from fusionbench.runs.plan import METHOD_GROUPS
from fusionbench.tables.style import TableStyle, check_style
from fusionbench.types import FAMILIES, SEEDS


@dataclass
class DownstreamStep:
    """The downstream task of a sweep, with the options of `fusionbench downstream` by the same names."""

    task: str = "segment"
    network: str | None = None
    protocol: str = "retrain"
    seeds: list[int] = field(default_factory=lambda: [0])
    division: str = "auto"
    set: dict[str, Any] = field(default_factory=dict)


@dataclass
class Sweep:
    """The content of a sweep file, as under ``benchmarks/``; methods and data sets are written as on the command line.

    ``grid`` maps configuration keys to the values to try, ``set`` maps keys to one value. ``train_datasets`` are data
    sets to learn from, for transfer; without any, each fused data set's own train split is used. ``noise`` are kinds of
    noise to add to the sources before fusing, written as in `fusionbench.data.noise.setting.read_noise`; a kind without a
    strength is tried with each of ``strengths`` (variances). ``train`` allows training where weights are missing.
    ``downstream`` trains networks on the fused images. ``table`` describes the tables; its metrics are scored if
    ``metrics`` names none.
    """

    title: str = ""
    methods: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    split: str = "test"
    limit: int | None = None
    metrics: list[str] | None = None
    profile: str = "canonical"
    seeds: list[int] = field(default_factory=lambda: [0])
    grid: dict[str, list[Any]] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)
    train_datasets: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    strengths: list[float] = field(default_factory=list)
    weights: str = "auto"
    train: bool = True
    baselines: bool = False
    downstream: DownstreamStep | None = None
    table: TableStyle = field(default_factory=TableStyle)


def find_sweep(name: str) -> Path:
    """Return the path of a sweep, given as a file or as the name of one that comes with fusionbench.

    Raises ConfigError or UnknownNameError if there is none.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    known = {file.stem: file for file in sorted(share("benchmarks").glob("*.yaml"))}
    if path.suffix or len(path.parts) > 1:
        raise ConfigError(f"Sweep '{name}' does not exist: give a YAML file, or one of {', '.join(known)}.")
    if name not in known:
        raise UnknownNameError("sweep", name, known)
    return known[name]


def read_sweep(path: Path) -> Sweep:
    """Read a sweep. Raises ConfigError for an unknown key, a value of the wrong type or a file that names no run."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    data = read_yaml(path)
    refuse_interpolation(data, str(path))
    _check_keys(path, data)
    _check_kinds(path, data)
    try:
        # typed by the dataclass: OmegaConf reports values of a wrong type
        merged = OmegaConf.merge(OmegaConf.structured(Sweep), OmegaConf.create(_plain_grid(data)))
        sweep = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path}: {wrong_type(error)}") from error
    assert isinstance(sweep, Sweep)  # the merge began with one, and OmegaConf keeps its type
    for name in ("methods", "datasets", "seeds"):
        if not getattr(sweep, name):
            raise ConfigError(f"{path} names no {name}: add {name}: [...].")
    trained = sweep.downstream.seeds if sweep.downstream else []
    if wrong := [seed for seed in (*sweep.seeds, *trained) if seed not in SEEDS]:
        raise ConfigError(f"{path}: seeds are whole numbers from 0 to {SEEDS[-1]}; found {wrong[0]}.")
    groups = [name for name in sweep.methods if name.lower() in METHOD_GROUPS]
    if sweep.grid and groups:
        raise ConfigError(
            f"{path}: a grid varies arguments, which '{groups[0]}' as a group does not take: name methods."
        )
    if sweep.strengths and all("=" in noise or noise.strip().lower() == CLEAN for noise in sweep.noise):
        raise ConfigError(
            f"{path}: strengths are given, but no kind of noise without its own: add noise: [...]."
        )
    try:
        _noises(sweep)
        check_style(sweep.table)
    except FusionbenchError as error:
        raise ConfigError(f"{path}: {error}") from error
    if empty := [key for key, values in sweep.grid.items() if not values]:
        raise ConfigError(f"{path}: grid.{empty[0]} has no value: give at least one.")
    return sweep


def _check_keys(path: Path, data: Mapping[str, Any]) -> None:
    known = [f.name for f in fields(Sweep)]
    inside = [f"table.{f.name}" for f in fields(TableStyle)]
    for key in data:
        if key not in known:
            raise ConfigError(f"{path}: {unknown_key(str(key), known)}")
    inside += [f"downstream.{f.name}" for f in fields(DownstreamStep)]
    for part in ("table", "downstream"):
        entry = data.get(part)
        for key in entry if isinstance(entry, Mapping) else ():
            if f"{part}.{key}" not in inside:
                raise ConfigError(f"{path}: {unknown_key(f'{part}.{key}', inside)}")


def _check_kinds(path: Path, data: Mapping[str, Any]) -> None:
    """Raise ConfigError for a list or mapping where the other is needed, for which OmegaConf has no error of its own."""
    for key in ("grid", "set", "table", "downstream"):
        if data.get(key) is not None and not isinstance(data[key], Mapping):
            raise ConfigError(
                f"{path}: {key} is {data[key]!r}: write keys with values, {key}: {{KEY: VALUE}}."
            )
    for key in ("methods", "datasets", "metrics", "seeds", "train_datasets", "noise", "strengths"):
        values = data.get(key, [])
        if values is not None and not isinstance(values, list):
            raise ConfigError(f"{path}: {key} is {values!r}: write a list, {key}: [VALUE, ...].")
        for value in values or ():
            if isinstance(value, list | Mapping):
                raise ConfigError(f"{path}: {key} holds {value!r}: write single values, {key}: [VALUE, ...].")


def _plain_grid(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with single values of the grid as lists."""
    grid = data.get("grid") or {}
    if not isinstance(grid, Mapping):
        return dict(data)
    return {**data, "grid": {key: v if isinstance(v, list) else [v] for key, v in grid.items()}}


def expand(sweep: Sweep, common: RunOptions) -> list[RunOptions]:
    """Return one run for each point of the sweep; options that a sweep cannot set are those of ``common``."""
    runs: list[RunOptions] = []
    for methods, keys, fixed in _groups(sweep):
        for seed, source, noise, point in _points(sweep, keys):
            tells = [f"{key.rpartition('.')[2]}={value}" for key, value in point.items()]
            tells += [f"seed={seed}"] if len(sweep.seeds) > 1 else []
            tells += [f"from={_source_name(source)}"] if source else []
            chosen = {key: sweep.set[key] for key in fixed} | point
            overrides = [f"{key}={_text(value)}" for key, value in chosen.items()]
            # baselines once for each noise: they depend on nothing else that a sweep varies
            baselines = sweep.baselines and noise not in {run.noise for run in runs}
            options = _options(sweep, common, methods, seed, source)
            runs.append(
                replace(
                    options,
                    overrides=(*overrides, *common.overrides),
                    setting="+".join(tells),
                    noise=noise,
                    baselines=baselines,
                )
            )
    return runs


def _options(
    sweep: Sweep, common: RunOptions, methods: Sequence[str], seed: int, source: str | None
) -> RunOptions:
    return replace(
        common,
        method=tuple(methods),
        dataset=tuple(sweep.datasets),
        split=sweep.split,
        limit=sweep.limit,
        metrics=",".join(sweep.metrics or _to_score(sweep.table.metrics)) or None,
        profile=sweep.profile,
        weights=sweep.weights,
        no_train=not sweep.train,
        train_dataset=source,
        seed=seed,
    )


def _groups(sweep: Sweep) -> list[tuple[list[str], tuple[str, ...], tuple[str, ...]]]:
    """Return groups of methods that take the same keys, each with its keys of ``grid`` and of ``set``.

    A key that no method takes is kept for all of them, so that planning reports the error in it.
    """
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    grid, fixed = _takers(sweep, sweep.grid), _takers(sweep, sweep.set)
    for name in sweep.methods:
        keys = tuple(key for key in sweep.grid if name in grid[key])
        groups.setdefault((keys, tuple(key for key in sweep.set if name in fixed[key])), []).append(name)
    return [(methods, *keys) for keys, methods in groups.items()]


def _takers(sweep: Sweep, keys: Iterable[str]) -> dict[str, list[str]]:
    """Return, by key, the methods that have such an argument, or all methods if none has."""
    takers_of = {key: [name for name in sweep.methods if _takes(name, key)] for key in keys}
    return {key: takers or list(sweep.methods) for key, takers in takers_of.items()}


def _takes(name: str, key: str) -> bool:
    if name.lower() in METHOD_GROUPS:
        return True  # a grid with a group is refused, and ``set`` does not apply to its members
    try:
        return takes(spec(name), key)
    except FusionbenchError:
        return True  # planning reports what is wrong with it


def left_alone(sweep: Sweep) -> list[str]:
    """Return a sentence for each key of the grid that some of the methods do not take."""
    takers = _takers(sweep, sweep.grid)
    others = {key: [name for name in sweep.methods if name not in takers[key]] for key in sweep.grid}
    return [
        f"grid {key}: applies to {', '.join(takers[key])}; {', '.join(names)} have no such argument and run without it."
        for key, names in others.items()
        if names
    ]


def _to_score(metrics: Sequence[str] | None) -> list[str]:
    """Return the metrics of a table that are scored on fused images, leaving out those of downstream tasks."""
    return [name for name in metrics or () if not is_task_metric(name)]


def row_order(sweep: Sweep) -> list[str]:
    """Return the names of the rows, then of the data sets, in the file's order, for tables."""
    runs = expand(sweep, RunOptions((), ()))
    methods = [name for name in sweep.methods if name.lower() not in METHOD_GROUPS]
    rows = [
        row_name(spec(name).name, run.setting, read_noise(run.noise))
        for name in methods
        for run in runs
        if name in run.method
    ]
    families = [name.lower() for name in sweep.datasets if name.lower() in (*FAMILIES, "all")]
    data = [dataset(name).name for name in sweep.datasets if name.lower() not in families]
    return [*rows, *data]


def _points(sweep: Sweep, keys: Sequence[str]) -> Iterator[tuple[int, str | None, str, dict[str, Any]]]:
    """Yield every combination of seed, training set, noise and values of the given keys of the grid."""
    sources: Sequence[str | None] = sweep.train_datasets or [None]
    for seed, source, noise, *values in product(
        sweep.seeds, sources, _noises(sweep), *(sweep.grid[key] for key in keys)
    ):
        yield seed, source, noise, dict(zip(keys, values, strict=True))


def _source_name(source: str) -> str:
    """Return the name of a training set: as written, or its own name if it was given as a path."""
    return source if source.isidentifier() or "/" not in source else dataset(source).name


def _noises(sweep: Sweep) -> list[str]:
    """Return the noises in the form that `read_noise` reads; without any, only "none"."""
    return [str(noise or CLEAN) for noise in spread_noise(sweep.noise or [CLEAN], sweep.strengths)]


def _text(value: Any) -> str:
    """Return a value as it is written on the right side of key=value."""
    import yaml

    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
