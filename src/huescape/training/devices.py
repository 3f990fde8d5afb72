"""The device, its precision and its memory: settings of the machine, never parameters."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.memory import explained_by

# What `precision` says about float32 arithmetic; the others leave torch's own setting.
_TF32 = {"float32": False, "tf32": True}

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 1 << 30

# First word of the seed, beside those of the batches.
_STEP = 21


def choose_device() -> torch.device:
    """HUESCAPE_DEVICE, or CUDA, or MPS, or the CPU, whichever is there first.

    Of many processes on a host, each has the CUDA device of its number, or its part of the CPU.

    Raises ParamsError when HUESCAPE_DEVICE names none that is there, or there are fewer than
    processes.
    """
    usable = ["cpu"]
    if torch.backends.mps.is_available():
        usable.insert(0, "mps")
    if torch.cuda.is_available():
        usable.insert(0, "cuda")
    name = os.environ.get(runtime.DEVICE, "") or usable[0]
    if name.split(":")[0] not in usable:
        allowed = ", ".join(usable)
        raise ParamsError(f"environment variable {runtime.DEVICE} is {name!r}; allowed: {allowed}")
    return torch.device(name) if runtime.local_ranks() == 1 else _own_device(torch.device(name))


def _own_device(device: torch.device) -> torch.device:
    """That of this process, of several on this host."""
    processes = runtime.local_ranks()
    if device.type == "mps" or device.index is not None:
        raise ParamsError(
            f"{processes} processes cannot share the device {device}; allowed for environment "
            f"variable {runtime.DEVICE}: cpu, cuda"
        )
    if device.type != "cuda":
        return device
    if processes > torch.cuda.device_count():
        raise ParamsError(
            f"{processes} processes need a CUDA device each; there are {torch.cuda.device_count()}"
        )
    return torch.device("cuda", runtime.local_rank())


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """bfloat16 autocast for `precision` bfloat16, or auto where the device computes in it."""
    if precision in ("float32", "tf32") or (precision == "auto" and not has_bfloat16(device)):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed in hardware; emulated, it is ten times as slow as float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or sys.platform != "linux":
        return False
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in names)


@contextlib.contextmanager
def settings(device: torch.device, precision: str) -> Iterator[None]:
    """How a training computes: `reproducible` and `arithmetic`, and with the memory it had."""
    with reproducible(device), arithmetic(device, precision):
        keep_freed_memory()
        yield


@contextlib.contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Deterministic algorithms on the CPU and a fixed number of threads, put back afterwards."""
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    torch.set_num_threads(runtime.torch_threads())
    _use_deterministic_algorithms(device.type == "cpu")
    # Filling every new array with NaN is a debugging aid, not part of being deterministic.
    debugging: Any = torch.utils.deterministic
    fill, debugging.fill_uninitialized_memory = debugging.fill_uninitialized_memory, False
    try:
        yield
    finally:
        _use_deterministic_algorithms(before[0])
        torch.set_num_threads(before[1])
        debugging.fill_uninitialized_memory = fill


def _use_deterministic_algorithms(is_on: bool) -> None:
    """torch's own function, which loads the whole compiler: a second, for those who compile."""
    if "torch._inductor.config" in sys.modules:
        torch.use_deterministic_algorithms(is_on)
    else:
        torch.set_deterministic_debug_mode("error" if is_on else "default")


@contextlib.contextmanager
def seeded(device: torch.device, seed: int, step: int) -> Iterator[None]:
    """torch's generators as a function of `seed` and `step` (dropout), put back afterwards.

    So a run that goes on from a checkpoint draws what one without an interruption does. Of many
    processes, each draws its own.
    """
    words = [_STEP, seed, step, *([runtime.rank()] if runtime.rank() else [])]
    word = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(int(word))
        yield


@contextlib.contextmanager
def arithmetic(device: torch.device, precision: str) -> Iterator[None]:
    """TF32 in matrix products and convolutions for `precision` tf32, and not for float32.

    TF32 rounds their inputs to 10 bits of mantissa. Batches have one shape, so cuDNN measures its
    algorithms once and takes the fastest. All settings are put back afterwards; on another device
    than CUDA none is touched.
    """
    if device.type != "cuda":
        yield
        return
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    cudnn.benchmark = True
    if precision in _TF32:
        matmul.allow_tf32 = cudnn.allow_tf32 = _TF32[precision]
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory for the next step instead of giving it back to the system.

    A training step allocates and frees the same hundreds of megabytes each time; by default
    they are unmapped, and zeroing fresh pages took a fifth of the step. Elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)


def memory_explained(photos: int, crop: int | None) -> AbstractContextManager[None]:
    """Make one line of what a batch of `photos` that does not fit into memory raises."""
    size = "whole photos" if crop is None else f"crops of {crop}"
    return explained_by(
        lambda: HuescapeError(
            f"out of memory with batch {photos} of {size}; lower systems.<name>.batch"
        )
    )
