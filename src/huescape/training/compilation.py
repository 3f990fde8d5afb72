"""torch.compile for the forward and backward pass of a training step, or one line why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn

from huescape.base.errors import ParamsError


def compiled(network: nn.Module, device: torch.device) -> nn.Module:
    """`network`, compiled for inputs of one shape; it shares the weights of the plain one.

    The compiler itself runs at the first step. Here something tiny is compiled, for a compiler
    that is missing (a C++ compiler for the CPU, Triton and a C compiler for CUDA) would stop the
    run only then.

    Raises:
        ParamsError: nothing can be compiled for `device` here.
    """
    with explained(device, OSError):  # of a cache folder that cannot be made, say
        _try_out(device)
    return cast(nn.Module, torch.compile(network, dynamic=False))


@contextmanager
def explained(device: torch.device, *more: type[Exception]) -> Iterator[None]:
    """Turn what the compiler raises, and `more`, into one line."""
    from torch._dynamo.exc import TorchDynamoException  # slow to import, and seldom needed

    refusals: tuple[type[Exception], ...] = (TorchDynamoException, ImportError, *more)
    try:
        yield
    except refusals as error:
        reason = " ".join(str(error).split())
        raise ParamsError(
            f"systems.<name>.compile is true, but torch.compile does not work on {device} here; "
            f"allowed: false ({type(error).__name__}: {reason[:200]})"
        ) from error


def _try_out(device: torch.device) -> None:
    """Compile a forward and a backward pass of two numbers."""
    numbers = torch.ones(2, device=device, requires_grad=True)
    torch.compile(_wave, dynamic=False)(numbers).backward()  # type: ignore[no-untyped-call]


def _wave(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.sin().sum()
