"""The collector of cycles is paused and comes back as it was."""

from __future__ import annotations

import gc

import pytest

from fusionbench.files import paused_collector


def test_it_is_off_inside_and_on_again_after_an_error_too() -> None:
    @paused_collector()
    def fail() -> None:
        assert not gc.isenabled()
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert gc.isenabled()


def test_who_had_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
