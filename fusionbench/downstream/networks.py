"""Segmentation and detection networks, built from libraries by a recipe and the number of classes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fusionbench.downstream.recipes import Recipe, TaskNetwork
from fusionbench.errors import ConfigError, RequestError, WeightsError

INSTALL = 'pip install "fusionbench-imaging[downstream]"'
SMALL_FCOS = "fcos_mobilenet_v3_small"  # built here from parts of torchvision, which has no such builder


def build_segmenter(chosen: TaskNetwork, classes: int) -> nn.Module:
    """Return a network that maps float32 [B, 3, h, w] to logits [B, ``classes``, h, w]; nothing is downloaded.

    Raises RequestError without segmentation_models_pytorch, ConfigError for a name that it does not know, and
    WeightsError for a backbone's file that does not fit.
    """
    recipe = chosen.recipe
    try:
        import segmentation_models_pytorch as smp
    except ImportError as error:
        raise RequestError(f"Segmentation needs segmentation_models_pytorch: `{INSTALL}`.") from error
    kind = getattr(smp, recipe.network, None)
    if recipe.library != "smp" or kind is None:
        raise ConfigError(
            f"'{recipe.network}' of {recipe.library} is not a network that segments: use one of smp, such as DeepLabV3Plus."
        )
    options = {"decoder_channels": recipe.channels} if recipe.network.startswith("DeepLabV3") else {}
    try:
        network: nn.Module = kind(
            encoder_name=recipe.encoder, encoder_weights=None, classes=classes, **options
        )
    except KeyError as error:
        raise ConfigError(
            f"Encoder '{recipe.encoder}' is unknown to segmentation_models_pytorch: {error}"
        ) from error
    if chosen.backbone_hash:
        _load_backbone(network.get_submodule("encoder"), recipe)
    return network


def build_detector(chosen: TaskNetwork, classes: int) -> nn.Module:
    """Return a torchvision detector of ``classes`` kinds of objects; its boxes are in pixels, its labels begin at 1.

    Raises ConfigError for a name that torchvision does not know, and WeightsError for a backbone's file that does not
    fit.
    """
    from torchvision.models import detection

    recipe = chosen.recipe
    build = (
        partial(_small_fcos, recipe.channels)
        if recipe.network == SMALL_FCOS
        else getattr(detection, recipe.network, None)
    )
    if recipe.library != "torchvision" or build is None or recipe.network.startswith(("mask", "keypoint")):
        raise ConfigError(
            f"'{recipe.network}' of {recipe.library} is not a torchvision network that detects objects."
        )
    options: dict[str, Any] = {"num_classes": classes + 1}
    if recipe.network != SMALL_FCOS:
        options |= {"weights": None, "weights_backbone": None}
    if "ssd" in recipe.network:
        options |= {"score_thresh": recipe.min_score}
    elif "retinanet" in recipe.network or "fcos" in recipe.network:
        options |= {"score_thresh": recipe.min_score, "min_size": recipe.height, "max_size": recipe.width}
    else:
        options |= {"box_score_thresh": recipe.min_score, "min_size": recipe.height, "max_size": recipe.width}
    network: nn.Module = build(**options)
    if chosen.backbone_hash:
        pyramid = hasattr(network.backbone, "body")  # a classifier's file has no feature pyramid
        _load_backbone(network.get_submodule("backbone.body" if pyramid else "backbone"), recipe)
    return network


def _small_fcos(channels: int, num_classes: int, **options: Any) -> nn.Module:
    """Return an FCOS that two cores can train: MobileNetV3-small, a feature pyramid of few channels, heads of two layers.

    The pyramid begins at a stride of 8 pixels; its levels predict objects of up to 64, 128, 256 and more pixels, as in
    FCOS (arXiv 1904.01355).
    """
    from torchvision.models import mobilenet_v3_small
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.detection.fcos import FCOS, FCOSHead

    # torchvision's 0.01 is for long trainings: after a few hundred steps it has not reached the images' statistics, and a
    # network that knows its training images by heart finds nothing in them once it is tested
    norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.1)
    # last blocks of strides 8, 16 and 32, and their channels; the pyramid adds a level of stride 64
    stages = {"3": 24, "8": 48, "11": 96}
    layers = {name: str(number) for number, name in enumerate(stages)}
    backbone = BackboneWithFPN(
        mobilenet_v3_small(weights=None, norm_layer=norm).features, layers, list(stages.values()), channels
    )
    anchors = AnchorGenerator(((8,), (16,), (32,), (64,)), ((1.0,),) * 4)
    head = FCOSHead(channels, anchors.num_anchors_per_location()[0], num_classes, num_convs=2)
    # distances to a box's sides are 1 to 2 strides for most objects; begun at 0, half of them have no gradient (ReLU)
    nn.init.constant_(head.regression_head.bbox_reg.bias, 2.0)
    network = FCOS(backbone, num_classes, anchor_generator=anchors, head=head, **options)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def backbone_of(network: nn.Module) -> nn.Module:
    """Return the part of a network that a backbone's file has weights for."""
    return network.get_submodule("encoder" if hasattr(network, "encoder") else "backbone")


def _load_backbone(part: nn.Module, recipe: Recipe) -> None:
    """Load a classifier's weights into the backbone, except for those of the classifier's head."""
    path = Path(recipe.backbone).expanduser()
    state = _read_state(path)
    wanted = part.state_dict()
    chosen = {
        name: state[name] for name in wanted if name in state and state[name].shape == wanted[name].shape
    }
    lacking = [name for name in wanted if name not in chosen and not name.endswith("num_batches_tracked")]
    if lacking:
        raise WeightsError(
            f"Backbone file '{path.name}' does not fit {recipe.encoder or recipe.network}: it lacks {len(lacking)} of "
            f"{len(wanted)} tensors, the first is {lacking[0]}; name the file of that network."
        )
    part.load_state_dict(chosen, strict=False)


def _read_state(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise exceptions of any class
        raise WeightsError(
            f"Backbone file '{path.name}' cannot be read: {' '.join(str(error).split())[:200]}"
        ) from error
    return state.get("state_dict", state) if isinstance(state, Mapping) else {}
