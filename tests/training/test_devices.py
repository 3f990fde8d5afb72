"""The device is the machine's; what is switched for a training is switched back."""

from __future__ import annotations

import pytest
import torch

from huescape.base.errors import ParamsError
from huescape.training import devices


def test_the_environment_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_DEVICE", "cpu")
    assert devices.choose_device() == torch.device("cpu")
    monkeypatch.setenv("HUESCAPE_DEVICE", "tpu")
    with pytest.raises(ParamsError, match=r"HUESCAPE_DEVICE is 'tpu'; allowed: .*cpu"):
        devices.choose_device()


def test_threads_and_determinism_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with devices.reproducible(torch.device("cpu")):
            assert torch.get_num_threads() == 1
            assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_num_threads() == 2
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("precision", "expected"), [("float32", False), ("bfloat16", True)])
def test_precision_can_be_forced(precision: str, expected: bool) -> None:
    with devices.autocast(torch.device("cpu"), precision):
        assert torch.is_autocast_enabled("cpu") == expected


def test_auto_means_bfloat16_only_where_it_is_computed() -> None:
    device = torch.device("cpu")
    with devices.autocast(device, "auto"):
        assert torch.is_autocast_enabled("cpu") == devices.has_bfloat16(device)


def test_keeping_memory_is_harmless() -> None:
    devices.keep_freed_memory()
    assert float(torch.ones(1 << 22).sum()) == 1 << 22
