"""The device is the machine's; what is switched for a training is switched back."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from huescape.base.errors import ParamsError
from huescape.params.systems import SystemParams
from huescape.training import devices


def test_the_environment_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUESCAPE_DEVICE", "cpu")
    assert devices.choose_device() == torch.device("cpu")
    monkeypatch.setenv("HUESCAPE_DEVICE", "tpu")
    with pytest.raises(ParamsError, match=r"HUESCAPE_DEVICE is 'tpu'; allowed: .*cpu"):
        devices.choose_device()


def test_many_processes_share_no_device_but_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "one"), ("LOCAL_WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HUESCAPE_DEVICE", "cpu")
    assert devices.choose_device() == torch.device("cpu")
    monkeypatch.setenv("HUESCAPE_DEVICE", "cpu:0")
    with pytest.raises(ParamsError, match=r"^2 processes cannot share .* cpu:0; .*: cpu, cuda$"):
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


def test_who_compiles_nothing_does_not_load_the_compiler() -> None:
    code = (
        "import sys, torch\nfrom huescape.training import devices\n"
        "with devices.reproducible(torch.device('cpu')):\n"
        "    on = torch.are_deterministic_algorithms_enabled()\n"
        "print(on, torch.are_deterministic_algorithms_enabled(), 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False"]


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


CUDA = torch.device("cuda")


def arithmetic() -> tuple[bool, bool, bool]:
    """Whether products and convolutions use TF32, and whether cuDNN measures."""
    backends = torch.backends
    return backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark


@pytest.mark.parametrize(
    ("precision", "tf32"),
    [("float32", (False, False)), ("tf32", (True, True)), ("auto", None), ("bfloat16", None)],
)
def test_precision_decides_on_tf32(precision: str, tf32: tuple[bool, bool] | None) -> None:
    before = arithmetic()
    with devices.arithmetic(CUDA, precision):
        assert arithmetic() == (*(before[:2] if tf32 is None else tf32), True)
    assert arithmetic() == before


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_an_error_puts_the_settings_back_too(precision: str) -> None:
    before = arithmetic()
    with pytest.raises(ZeroDivisionError), devices.arithmetic(CUDA, precision):
        raise ZeroDivisionError
    assert arithmetic() == before


def test_other_devices_leave_the_settings_alone() -> None:
    before = arithmetic()
    with devices.arithmetic(torch.device("cpu"), "tf32"):
        assert arithmetic() == before


def test_tf32_is_a_precision() -> None:
    values = {"preset": "a", "quantizer": "q", "network": {"name": "n"}, "loss": {"name": "l2"}}
    assert SystemParams.model_validate({**values, "precision": "tf32"}).precision == "tf32"


def test_tf32_is_no_autocast() -> None:
    """Within the learner it is float32; what rounds is the setting around it."""
    with devices.autocast(torch.device("cpu"), "tf32"):
        assert not torch.is_autocast_enabled("cpu")
