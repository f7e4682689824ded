"""A method fuses as a plain network and trains as a LightningModule, with everything that plug-ins use of Lightning."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningModule
from safetensors.torch import load_file

import fusionbench
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.method import ONLY_IN_TRAINING, OUTSIDE_TRAINING, FusionMethod
from fusionbench.registry.methods import load, names, spec
from fusionbench.training.curves import read_curves
from fusionbench.training.fit import FitOptions, train
from fusionbench.training.lightning import LightningMethod, build_trainable, lightning_class

# what plug-ins have used of Lightning since methods could train: own optimizers, steps by hand, hooks with super(),
# logs, the trainer's counters, hyperparameters, a class that names LightningModule itself
PLUGIN = """
import torch
from pytorch_lightning import LightningModule
from fusionbench import FusionMethod

class ByHand(FusionMethod{beside}):
    families = frozenset({{"medical"}})

    def __init__(self, width=4, *, rate=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.net = torch.nn.Sequential(torch.nn.Conv2d(2, width, 3, padding=1), torch.nn.Conv2d(width, 1, 1))
        self.register_buffer("seen", torch.zeros(3))

    def fuse(self, a, b):
        return torch.sigmoid(self.net(torch.cat([a, b], 1)))

    def losses(self, batch):
        fused = self.fuse(batch.a, batch.b)
        self.log("inside", float(self.current_epoch + self.global_step), batch_size=len(batch.a))
        return {{"a": (fused - batch.a).square().mean(), "b": (fused - batch.b).abs().mean()}}

    def on_train_start(self):
        super().on_train_start()
        self.seen[0] += self.trainer.max_epochs

    def on_train_epoch_end(self):
        self.seen[1] = self.current_epoch

    def training_step(self, batch, batch_index):
        first, second = self.optimizers()
        terms = self.losses(batch)
        for optimizer in (first, second):
            optimizer.zero_grad()
        self.manual_backward(sum(terms.values()))
        self.clip_gradients(first, 0.1, "norm")
        for optimizer in (first, second):
            optimizer.step()
        self.seen[2] += self.hparams.rate
        self.log_terms("train", terms, len(batch.a))

    def configure_optimizers(self):
        return [torch.optim.SGD(layer.parameters(), lr=self.hparams.rate) for layer in self.net]

CONFIG = {{"stages": {{"fuse": {{"epochs": 3, "crop": 32, "batch_size": 2, "validation": 0.25}}}}}}
"""


@pytest.mark.parametrize("beside", ["", ", LightningModule"], ids=["plain", "with LightningModule"])
def test_a_plugin_trains_with_what_lightning_gives(tmp_path: Path, beside: str) -> None:
    path = tmp_path / "by_hand.py"
    path.write_text(PLUGIN.format(beside=beside))
    method = spec(str(path))
    pairs = find_split(dataset("demo-medical"), "train", limit=4)
    folder = train(
        method, method.config(("args.rate=0.5",)), pairs, tmp_path, FitOptions(device="cpu", quiet=True)
    )
    weights = load_file(folder.weights)
    torch.manual_seed(0)
    before = method.build({"rate": 0.5}).state_dict()
    assert set(weights) == set(before)
    assert all(not torch.equal(weights[name], before[name]) for name in before)
    steps = 3 * 2  # three epochs of the three pairs that are not held out
    assert weights["seen"].tolist() == [3, 2, 0.5 * steps]
    curves = read_curves(folder.path / "fuse")
    assert {"train/a", "train/b", "val/loss"} <= set(curves)
    assert len(curves) == 3


def test_every_method_trains_as_a_lightning_module_with_the_same_parameters() -> None:
    for name in names():
        method = spec(name)
        arguments = method.config().args
        torch.manual_seed(0)
        plain = method.build(arguments)
        torch.manual_seed(0)
        trainable = build_trainable(method, arguments)
        assert isinstance(trainable, LightningModule)
        assert isinstance(trainable, type(plain))
        assert not isinstance(plain, LightningModule)
        assert dict(plain.hparams) == dict(trainable.hparams), name
        assert plain.automatic_optimization == trainable.automatic_optimization
        first, second = plain.state_dict(), trainable.state_dict()
        assert list(first) == list(second)
        assert all(torch.equal(first[key], second[key]) for key in first), name


def test_the_class_is_made_once_and_one_that_trains_is_left_alone() -> None:
    class Own(FusionMethod):
        pass

    made = lightning_class(Own)
    assert lightning_class(Own) is made
    assert lightning_class(made) is made
    assert (made.__name__, made.__module__) == ("Own", __name__)


def test_what_lightning_overrides_of_the_method_is_lightnings() -> None:
    own = set(vars(FusionMethod)) & set(dir(LightningModule)) - set(dir(torch.nn.Module))
    steps = {"training_step", "validation_step", "configure_optimizers"}  # FusionMethod's own defaults
    assert own - steps == set(vars(LightningMethod)) & own
    assert all(getattr(LightningMethod, name) is getattr(LightningModule, name) for name in own - steps)


class Bare(FusionMethod):
    families = frozenset({"medical"})

    def __init__(self, width: int = 2, **rest: Any) -> None:
        super().__init__()
        self.save_hyperparameters(ignore="left")
        self.conv = torch.nn.Conv2d(2, width, 1)


class Derived(Bare):
    def __init__(self, depth: int, width: int = 5) -> None:
        super().__init__(width=width + 1, left=0, right=1)


def test_outside_a_training_lightnings_counters_stand_at_zero_and_logs_go_nowhere() -> None:
    method = Bare()
    method.log("x", 1.0, prog_bar=True)
    method.log_dict({"x": 1.0}, on_step=True)
    assert {name: getattr(method, name) for name in OUTSIDE_TRAINING} == OUTSIDE_TRAINING
    with torch.no_grad():
        lightning = lightning_class(Bare)()
    assert {name: getattr(lightning, name) for name in OUTSIDE_TRAINING} == OUTSIDE_TRAINING


@pytest.mark.parametrize("name", sorted(ONLY_IN_TRAINING))
def test_what_only_a_training_has_says_so(name: str) -> None:
    assert hasattr(LightningModule, name), "a name of Lightning's"
    with pytest.raises(AttributeError, match=rf"Bare\.{name} is Lightning's and there only in a training"):
        getattr(Bare(), name)


def test_a_missing_attribute_is_reported_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="'Bare' object has no attribute 'conw'"):
        _ = Bare().conw


@pytest.mark.parametrize("made", [Bare, Derived], ids=["base", "derived"])
def test_hyperparameters_are_lightnings(made: type[FusionMethod]) -> None:
    arguments = {"depth": 3} if made is Derived else {"width": 4, "left": 1, "other": 2}
    hparams = made(**arguments).hparams
    assert dict(hparams) == dict(lightning_class(made)(**arguments).hparams)
    assert hparams.width == hparams["width"]
    with pytest.raises(AttributeError, match="no hyperparameter 'wdth'; kept are width"):
        _ = hparams.wdth


def test_hyperparameters_by_name_or_as_a_mapping() -> None:
    class Chosen(FusionMethod):
        def __init__(self, first: int, second: int, third: object) -> None:
            super().__init__()
            self.save_hyperparameters("first", "third")

    class Given(FusionMethod):
        def __init__(self, options: object) -> None:
            super().__init__()
            self.save_hyperparameters(options)

    assert (
        dict(Chosen(1, 2, 3).hparams)
        == dict(lightning_class(Chosen)(1, 2, 3).hparams)
        == {"first": 1, "third": 3}
    )
    assert dict(Given({"x": 1}).hparams) == dict(lightning_class(Given)({"x": 1}).hparams) == {"x": 1}
    with pytest.raises(TypeError, match="names of constructor arguments or one mapping, found int"):
        Given(3)


def test_device_and_dtype_follow_the_module() -> None:
    method = load("average")  # no parameters that could tell
    assert (method.device, method.dtype) == (torch.device("cpu"), torch.float32)
    assert method.to("meta").device == torch.device("meta")
    assert method.double().dtype == torch.float64
    assert load("average").device == torch.device("cpu")


def test_a_method_can_be_copied_and_pickled() -> None:
    method = Bare(width=3)
    for twin in (copy.deepcopy(method), pickle.loads(pickle.dumps(method))):
        assert dict(twin.hparams) == {"width": 3}
        assert torch.equal(twin.conv.weight, method.conv.weight)


WITHOUT_TRAINING = """
from fusionbench.cli.app import app

for verb in (
    "fuse -m refinefuse a.png b.png -o fused.png",
    "profile -m average --size 32x32 --runs 3 --warm-ups 1",
    "check average",
    "explain EN 5.0 --a a.png --b b.png --fused fused.png",
    "run -m average -d demo --limit 1 --metrics EN,SSIM --no-baselines",
):
    try:
        app(verb.split())
    except SystemExit as end:
        assert not end.code, verb
"""


def test_verbs_that_train_nothing_need_no_library_of_training(tmp_path: Path) -> None:
    for module in ("pytorch_lightning", "torchmetrics", "torchvision", "transformers", "kornia"):
        (tmp_path / f"{module}.py").write_text(f"raise ImportError('{module} is not needed')")
    for name in ("a.png", "b.png"):
        Image.new("L", (40, 30), 90).save(tmp_path / name)
    paths = os.pathsep.join([str(tmp_path), str(Path(fusionbench.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAINING],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
