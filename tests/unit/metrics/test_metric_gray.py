"""How color images become what metrics are taken on, against other libraries' conversions."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fusionbench.data.images import eight_bit
from fusionbench.metrics.inputs import StoredImages, form_of

RGB = arrays(np.uint8, (6, 7, 3))
ANY = settings(derandomize=True, deadline=None)
FORMS = ("bt601", "matlab", "opencv")


def picture(image: np.ndarray) -> StoredImages:
    return StoredImages(torch.from_numpy(np.atleast_3d(image).copy()).permute(2, 0, 1)[None])


def converted(image: np.ndarray, form: str) -> np.ndarray:
    return picture(image).image(form).levels[0].numpy()


@ANY
@given(RGB)
def test_luma_is_pillows_but_for_ties(image: np.ndarray) -> None:
    difference = np.abs(
        converted(image, "bt601").astype(int) - np.asarray(Image.fromarray(image).convert("L"))
    )
    exact = image.astype(np.int64) @ np.array([299, 587, 114])
    near_tie = np.abs(exact % 1000 - 500) <= 5  # Pillow's weights are rounded to 1/65536
    assert (difference[~near_tie] == 0).all()
    assert difference.max(initial=0) <= 1


@ANY
@given(RGB)
def test_opencv_is_opencv(image: np.ndarray) -> None:
    expected = np.round(cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY))
    assert (np.abs(converted(image, "opencv") - expected) <= 1).all()
    assert (converted(image, "opencv") == expected).mean() > 0.9


@ANY
@given(RGB)
def test_conversions_differ_by_a_level_at_most(image: np.ndarray) -> None:
    first, *others = (converted(image, form).astype(int) for form in FORMS)
    assert all((np.abs(first - other) <= 1).all() for other in others)


@pytest.mark.parametrize("form", FORMS)
def test_every_gray_level_stays_itself(form: str) -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    assert (converted(levels, form) == levels).all()
    assert (converted(np.stack([levels] * 3, axis=-1), form) == levels).all()


def test_luma_rounds_ties_up() -> None:
    assert converted(np.array([[[0, 0, 250]]], np.uint8), "bt601") == 29  # 28.5


def test_channels() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    planes, wide = picture(image).image("mean").levels, picture(image).image("side by side").levels
    assert planes.tolist() == [image[..., channel].tolist() for channel in range(3)]
    assert wide[0].tolist() == np.concatenate(list(image.transpose(2, 0, 1)), axis=1).tolist()
    assert (picture(image[..., 0]).image("mean").levels == torch.from_numpy(image[..., 0].copy())).all()


def test_forms_of_a_gray_image_are_one_object() -> None:
    gray = picture(np.zeros((3, 4), np.uint8))
    assert gray.image("bt601") is gray.image("matlab") is gray.image("opencv")


def test_a_gray_fused_image_is_scored_against_gray_sources() -> None:
    color, gray = picture(np.zeros((3, 4, 3), np.uint8)), picture(np.zeros((3, 4), np.uint8))
    assert form_of("channels", color, "mean") == "mean"
    assert form_of("channels", color, "side by side") == "side by side"
    assert form_of("channels", gray, "mean") == "matlab"
    assert form_of("bt601", color, "side by side") == "bt601"


@ANY
@given(st.integers(0, 65535))
def test_16_bits_are_rounded_to_8(level: int) -> None:
    assert eight_bit(np.array([[level]], np.uint16)) == round(level / 257)
    assert eight_bit(np.array([[level % 256]], np.uint8)) == level % 256
