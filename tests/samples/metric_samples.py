"""Images for the metric tests: numpy uint8 [H, W], and the strategies that draw them."""

import numpy as np
import torch
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

KINDS = ("noise", "smooth", "few levels", "black background", "saturated")


def texture(seed: int, height: int = 48, width: int = 56, kind: str = "noise") -> np.ndarray:
    """Return a pattern that is never constant."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (height, width))
    if kind == "smooth":
        blurred = gaussian_filter(image.astype(np.float64), 3)
        image = 255 * (blurred - blurred.min()) / np.ptp(blurred)
    elif kind == "few levels":
        image = random.choice(random.integers(0, 256, 3), (height, width))
        image[0, :2] = 10, 200
    elif kind == "black background":
        image[: height // 2], image[:, : width // 2] = 0, 0
    elif kind == "saturated":
        image = np.clip(image * 4, 0, 255)
        image[0, 0] = 0
    return np.asarray(image).astype(np.uint8)


def batch(*images: np.ndarray) -> torch.Tensor:
    """Stack images to a uint8 tensor [B, 1, H, W]."""
    return torch.from_numpy(np.stack(images))[:, None]


def images(height: int = 48, width: int = 56) -> st.SearchStrategy[np.ndarray]:
    """Draw a pattern of any kind; one size keeps triples combinable."""
    return st.builds(
        texture, st.integers(0, 2**32 - 1), st.just(height), st.just(width), st.sampled_from(KINDS)
    )


TRIPLES = st.tuples(images(), images(), images())
