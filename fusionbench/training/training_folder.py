"""The folder and the identity of a training. Importing this module loads neither torch nor Lightning."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from fusionbench.errors import OutputError
from fusionbench.files import cannot_write, digest_of, folder_name

if TYPE_CHECKING:
    from fusionbench.config import MethodConfig
    from fusionbench.data.training_data import TrainingData
    from fusionbench.registry.method_spec import MethodSpec


@dataclass(frozen=True)
class TrainingFolder:
    """The folder of one training: ``<out>/training/<data set>/<method>/<id>``."""

    path: Path

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def finished(self) -> bool:
        return self.weights.exists() and self.weights.with_suffix(".json").exists()

    def lock(self) -> FileLock:
        """Return the lock against a second process with the same training; the kernel frees it after a kill.

        Raises OutputError if the folder cannot be created.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(cannot_write(self.path, error)) from error
        return FileLock(self.path / ".lock")


def training_identity(
    spec: MethodSpec, config: MethodConfig, data: TrainingData, seed: int
) -> dict[str, Any]:
    """Return everything that determines the outcome of a training; the trainer's devices and workers are left out.

    A training may thus be resumed on other hardware, at the price of other last digits.
    """
    stages = {name: asdict(recipe) for name, recipe in config.stages.items()}
    return {
        "method": spec.files_hash(),
        "arguments": config.args,
        "stages": stages,
        "data": data.content_hash(),
        "seed": seed,
    }


def training_folder(
    spec: MethodSpec, config: MethodConfig, data: TrainingData, seed: int, out: Path
) -> TrainingFolder:
    """Return the folder of a training without creating it."""
    identity = digest_of(training_identity(spec, config, data, seed))[:10]
    return TrainingFolder(out / "training" / folder_name(data.name) / folder_name(spec.name) / identity)
