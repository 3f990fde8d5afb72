"""How CUDA computes during a training: TF32 or not, and the fastest of its convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# What `precision` says about float32 arithmetic; the others leave torch's own setting.
_TF32 = {"float32": False, "tf32": True}


@contextmanager
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
