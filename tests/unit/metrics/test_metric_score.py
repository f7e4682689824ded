"""score: the digits depend on the three images alone."""

import json

import numpy as np
import pytest
import torch
from metric_samples import texture

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.metrics import DEFAULT, compute, score, score_fused, sources

A, B, FUSED, OTHER = (texture(seed, 301, 437, "smooth") for seed in range(4))


def digits(scores) -> str:
    return json.dumps({name: result._asdict() for name, result in scores.items()}, sort_keys=True)


@pytest.fixture
def threads():
    """Restore the number of threads that a test sets."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_a_metric_does_not_depend_on_what_else_is_scored():
    together = score(A, B, FUSED)
    for name in DEFAULT:
        assert digits(score(A, B, FUSED, [name])) == digits({name: together[name]})
    assert digits(score(A, B, FUSED, reversed(DEFAULT))) == digits(together)


def test_kept_sources_give_the_same_digits():
    pair = sources(A, B)
    other = digits(score_fused(pair, OTHER))
    assert digits(score_fused(pair, FUSED)) == digits(score(A, B, FUSED))
    assert digits(score_fused(pair, OTHER)) == other == digits(score(A, B, OTHER))


def test_the_number_of_threads_changes_no_digit_and_is_restored(threads):
    printed = []
    for count in (1, 2, 3):
        threads(count)
        printed.append(digits(score(A, B, FUSED)))
        assert torch.get_num_threads() == count
    assert len(set(printed)) == 1


def test_values_are_those_of_compute():
    values = compute(*(torch.from_numpy(image)[None, None] for image in (A, B, FUSED)))
    for name, result in score(A, B, FUSED).items():
        assert result.value == pytest.approx(values[name].item(), rel=1e-12)


def test_read_only_and_strided_arrays_are_taken():
    flipped = [np.ascontiguousarray(image[:, ::-1]) for image in (A, B, FUSED)]
    for image in flipped:
        image.flags.writeable = False
    assert score(*(image[:, ::-1] for image in flipped)) == score(A, B, FUSED)


@pytest.mark.parametrize(
    ("image", "described"),
    [
        (FUSED.astype(np.float32), r"float32 \[301, 437\]"),
        (FUSED.astype(np.uint16), r"uint16 \[301, 437\]"),
        (np.stack([FUSED] * 4, axis=-1), r"uint8 \[301, 437, 4\]"),
        (FUSED[..., None], r"uint8 \[301, 437, 1\]"),
        (FUSED[:0], r"uint8 \[0, 437\]"),
        (torch.from_numpy(FUSED), r"torch.uint8 \[301, 437\]"),
        ("fused.png", "str"),
    ],
)
def test_other_images_are_refused(image, described):
    with pytest.raises(
        RequestError, match=rf"Image fused must be a uint8 array \[H, W\] or \[H, W, 3\], found {described}: "
    ):
        score(A, B, image)


def test_other_sizes_and_names_are_refused():
    with pytest.raises(RequestError, match="differ in size"):
        score(A, B, FUSED[1:])
    with pytest.raises(RequestError, match="differ in size"):
        score_fused(sources(A[1:], B), FUSED)
    with pytest.raises(UnknownNameError, match="Unknown metric"):
        score(A, B, FUSED, "PSRN")
    with pytest.raises(UnknownNameError, match="Unknown profile"):
        score(A, B, FUSED, profile="tang2021")
