"""Section: what the loss of 313 soft bins costs by itself.

Shape suffixes: N photos, Q bins, h, w rows and columns of the targets.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks import harness
from benchmarks.gpu import inputs
from benchmarks.gpu.checks import relative_error
from benchmarks.gpu.inputs import Task
from benchmarks.gpu.session import Findings, Session
from benchmarks.gpu.steps import dense_targets
from benchmarks.harness import Ratio, Spread
from huescape.losses import build_loss

_TARGET = 1 / 3
_OWN, _STOCK = "the project's loss", "log-softmax and dense targets"
_BINS = 313

Run = Callable[[], tuple[Tensor, Tensor]]


def run(session: Session, found: Findings) -> None:
    """What do loss and gradient of logits [8, 313, 64, 64] cost, and what of dense targets?"""
    photos, side = session.pick(8, 2), session.pick(64, 8)
    for dtype in (torch.float32, torch.bfloat16):
        name = f"loss, {str(dtype).removeprefix('torch.')}"
        with found.part(name):
            _compare(session, found, name, photos, side, dtype)
    found.notes.append(
        "loss: forward and backward; memory is the peak above the logits and the sparse targets, "
        "with the gradient and, for the stock form, the dense targets that it makes of them"
    )


def _compare(
    session: Session, found: Findings, name: str, photos: int, side: int, dtype: torch.dtype
) -> None:
    cases = _cases(session, photos, side, dtype)
    own, stock = (cases[case]() for case in (_OWN, _STOCK))
    allowed = 1e-5 if dtype == torch.float32 else 2**-6
    alike = found.check(f"{name}: both give the same loss", relative_error(own[0], stock[0]), 1e-2)
    error = relative_error(own[1], stock[1])
    if not (found.check(f"{name}: both give the same gradient", error, allowed) and alike):
        return
    del own, stock
    seconds = session.measure(cases)
    for case, values in seconds.items():
        milliseconds = Spread.of([1e3 * value for value in values])
        found.row(f"{name}: {case}", "ms", milliseconds)
    faster = harness.times_faster(seconds[_STOCK], seconds[_OWN])
    found.ratios.append(Ratio(f"{name}: {_STOCK} / {_OWN}, time", faster))
    peaks = {case: session.peak_bytes(go) for case, go in cases.items()}
    for case, peak in peaks.items():
        if peak is None:
            found.missing(f"{name}: memory of {case}", "only CUDA counts its memory")
        else:
            found.row(f"{name}: memory of {case}", "MiB", Spread.of([peak / 2**20]))
    own_peak, stock_peak = peaks[_OWN], peaks[_STOCK]
    if own_peak is not None and stock_peak:
        share = Spread.of([own_peak / stock_peak])
        title = f"{name}: memory of {_OWN} / {_STOCK}"
        found.ratios.append(Ratio(title, share, _TARGET, at_least=False))


def _cases(session: Session, photos: int, side: int, dtype: torch.dtype) -> dict[str, Run]:
    generator = torch.Generator().manual_seed(6)
    shape = (photos, _BINS, side, side)
    logits_NQhw = torch.randn(shape, generator=generator).to(session.device, dtype)
    logits_NQhw = logits_NQhw.contiguous(memory_format=torch.channels_last).requires_grad_(True)
    targets = inputs.random_targets(photos, side, _BINS, 5).to(session.device)
    params = Task("zhang2016", _BINS, side).params("float32").loss
    weights_Q = torch.linspace(0.5, 1.5, _BINS)
    loss = build_loss(params, weights_Q, inputs.random_centers(_BINS)).to(session.device)
    weights_Q = weights_Q.to(session.device)

    def ended(value: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,) = torch.autograd.grad(value, logits_NQhw)
        return value.detach(), gradient

    def stock() -> tuple[Tensor, Tensor]:
        dense_NQhw = dense_targets(targets, _BINS)
        pixel_Nhw = weights_Q[dense_NQhw.argmax(1)] * targets.mask_Nhw
        each_Nhw = -(dense_NQhw * F.log_softmax(logits_NQhw.float(), 1)).sum(1)
        return ended((each_Nhw * pixel_Nhw).sum() / targets.mask_Nhw.sum())

    return {_OWN: lambda: ended(loss(logits_NQhw, targets)), _STOCK: stock}
