"""The frozen image towers behind CSP-MCIN's semantic loss: CLIP RN50 as trained by SARCLIP and by RemoteCLIP.

They take part in training only: no method's weights or sizes contain them. Any module whose
``forward_intermediates(x)`` returns ``image_intermediates`` (five maps) and ``image_features`` [B, D] can be one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch.nn.functional as F
from torch import Tensor, nn

from fusionbench.errors import WeightsError
from fusionbench.weights.methods import file_hash

HUB = "hf-hub:"
RN50 = {"layers": [3, 4, 6, 3], "output_dim": 1024, "heads": 32, "image_size": 224, "width": 64}
# what each tower was trained with: images in [-1, 1], and OpenAI's statistics
NORMALIZATION = {
    "sar": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "opt": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}


class View(NamedTuple):
    """What a tower makes of images: five maps, from the stem to the fourth stage, and an embedding [B, D]."""

    features: list[Tensor]
    embedding: Tensor


@dataclass(frozen=True)
class Tower:
    """A frozen image tower with the size and the normalization of its inputs.

    No Module itself: a method that holds one keeps it out of its parameters, its weights and its ``train()``.
    """

    module: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    side: int = 224
    sha256: str = ""

    def __post_init__(self) -> None:
        self.module.requires_grad_(False).eval()

    def __call__(self, images: Tensor) -> View:
        """Look at RGB images [B, 3, H, W] in [0, 1] of any size; gradients flow to them."""
        small = F.interpolate(images, (self.side, self.side), mode="bicubic", antialias=True)
        mean, std = (small.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        look = cast(Callable[[Tensor], dict[str, Any]], self.module.to(images.device).forward_intermediates)
        seen = look((small - mean) / std)
        return View(seen["image_intermediates"], seen["image_features"])


class Towers(NamedTuple):
    """The tower that compares with SAR and the one that compares with optical images."""

    sar: Tower
    opt: Tower


def load_tower(reference: str, modality: str) -> Tower:
    """Load the image tower of a CLIP RN50 from a file or from the Hugging Face hub ("hf-hub:OWNER/REPOSITORY/FILE").

    The file is a state dict as open_clip reads it, of a whole CLIP or of its image tower alone; pickles cannot run
    code. Only a reference to the hub downloads anything. Raises WeightsError where the file is missing or another
    network's.
    """
    path = _download(reference) if reference.startswith(HUB) else Path(reference)
    if not path.is_file():
        raise WeightsError(f"The {modality} tower {reference} is no file: correct args.{modality}_tower.")
    from open_clip.modified_resnet import ModifiedResNet

    module = ModifiedResNet(**RN50)
    try:
        module.load_state_dict(_image_part(path))
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"The {modality} tower {reference} is no CLIP RN50 of open_clip: {reason}; get the RN50 file."
        ) from error
    return Tower(module, *NORMALIZATION[modality], sha256=file_hash(path))


def untrained_towers(side: int = 64) -> Towers:
    """Return small towers of the same layout with random weights, to try the loss out without the real ones."""
    from open_clip.modified_resnet import ModifiedResNet

    layout = {"layers": [1, 1, 1, 1], "output_dim": 16, "heads": 4, "image_size": side, "width": 8}
    return Towers(*(Tower(ModifiedResNet(**layout), *NORMALIZATION[m], side=side) for m in Towers._fields))


def _image_part(path: Path) -> dict[str, Tensor]:
    from open_clip.factory import load_state_dict

    state = load_state_dict(str(path))
    part = {key.removeprefix("visual."): value for key, value in state.items() if key.startswith("visual.")}
    return part or state


def _download(reference: str) -> Path:
    owner, _, rest = reference.removeprefix(HUB).partition("/")
    repository, _, file = rest.partition("/")
    if not (owner and repository and file):
        raise WeightsError(
            f"'{reference}' names no file on the hub: write hf-hub:OWNER/REPOSITORY/FILE, "
            "for example hf-hub:chendelong/RemoteCLIP/RemoteCLIP-RN50.pt."
        )
    from open_clip.pretrained import download_pretrained_from_hf

    try:
        return Path(download_pretrained_from_hf(f"{owner}/{repository}", filename=file))
    except Exception as error:
        raise WeightsError(
            f"{reference} cannot be downloaded: {' '.join(str(error).split())[:300]}; get the file by other means and "
            "give its path."
        ) from error
