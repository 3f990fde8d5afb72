"""Settings of CUDA's arithmetic are switched for a training and put back; they need no device."""

from __future__ import annotations

import pytest
import torch

from huescape.params.systems import SystemParams
from huescape.training import cuda, devices

CUDA = torch.device("cuda")


def settings() -> tuple[bool, bool, bool]:
    """Whether products and convolutions use TF32, and whether cuDNN measures."""
    backends = torch.backends
    return backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark


@pytest.mark.parametrize(
    ("precision", "tf32"),
    [("float32", (False, False)), ("tf32", (True, True)), ("auto", None), ("bfloat16", None)],
)
def test_precision_decides_on_tf32(precision: str, tf32: tuple[bool, bool] | None) -> None:
    before = settings()
    with cuda.arithmetic(CUDA, precision):
        assert settings() == (*(before[:2] if tf32 is None else tf32), True)
    assert settings() == before


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_an_error_puts_the_settings_back_too(precision: str) -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError), cuda.arithmetic(CUDA, precision):
        raise ZeroDivisionError
    assert settings() == before


def test_other_devices_leave_the_settings_alone() -> None:
    before = settings()
    with cuda.arithmetic(torch.device("cpu"), "tf32"):
        assert settings() == before


def test_tf32_is_a_precision() -> None:
    values = {"preset": "a", "quantizer": "q", "network": {"name": "n"}, "loss": {"name": "l2"}}
    assert SystemParams.model_validate({**values, "precision": "tf32"}).precision == "tf32"


def test_tf32_is_no_autocast() -> None:
    """Within the learner it is float32; what rounds is the setting around it."""
    with devices.autocast(torch.device("cpu"), "tf32"):
        assert not torch.is_autocast_enabled("cpu")
