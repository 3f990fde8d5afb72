"""Memory and time of the losses over color bins, against their stock forms.

Legend: N photos, Q bins, h, w rows and columns of the targets, K bins of a target, P pixels
(N, h, w flattened).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks import harness
from benchmarks.training_data import THREADS, training_settings
from huescape.losses import Targets, build_loss
from huescape.params.base import Named

_Q, _K = 313, 5
_MEGABYTE = 1 << 20
_DENSE = ("dense targets", "cross_entropy")


class Problem:
    """Random logits in a layout and precision, and five bins of random weight for each pixel.

    Attributes:
        targets: what the project's loss takes: index and weight (N, h, w, K), no pixel masked.
    """

    def __init__(
        self, photos: int, side: int, dtype: torch.dtype, layout: torch.memory_format
    ) -> None:
        generator = torch.Generator().manual_seed(0)
        shape = photos, _Q, side, side
        logits = (3 * torch.randn(shape, generator=generator)).to(dtype)
        self.logits = logits.contiguous(memory_format=layout).requires_grad_(True)
        first = torch.randint(_Q, (photos, side, side, 1), generator=generator)
        self.index = (first + 7 * torch.arange(_K)) % _Q
        weight = torch.rand(photos, side, side, _K, generator=generator) + 0.1
        self.weight = weight / weight.sum(-1, keepdim=True)
        self.classes = torch.rand(_Q, generator=generator) + 0.5
        mask = torch.ones(photos, side, side, dtype=torch.bool)
        self.targets = Targets(mask, self.index, self.weight)
        params = Named(name="cross_entropy")
        self.module = build_loss(params, self.classes, torch.zeros(_Q, 2))

    def pixel_weights(self) -> Tensor:
        """The class weight of each pixel's most likely bin, (P,)."""
        place = self.weight.argmax(-1, keepdim=True)
        return self.classes[self.index.gather(-1, place)].reshape(-1)

    def ours(self) -> Tensor:
        """The project's loss."""
        loss: Tensor = self.module(self.logits, self.targets)
        return loss

    def dense(self, rows: bool) -> Tensor:
        """Log-softmax times dense targets, which are built first."""
        # No name for the logits: a float32 copy of them is free again after the log-softmax.
        log_p = F.log_softmax(self.stock_logits(rows), dim=1)
        return self._mean(-(self.dense_targets(log_p, rows) * log_p).sum(1))

    def gather(self, rows: bool) -> Tensor:
        """Log-softmax, of which the bins of the targets are gathered."""
        log_p = F.log_softmax(self.stock_logits(rows), dim=1)
        picked = log_p.gather(1, _bins_second(self.index, rows))
        return self._mean(-(picked * _bins_second(self.weight, rows)).sum(1))

    def stock(self, rows: bool) -> Tensor:
        """`cross_entropy` of dense targets, which are built first."""
        logits = self.stock_logits(rows)
        dense = self.dense_targets(logits, rows)
        return self._mean(F.cross_entropy(logits, dense, reduction="none"))

    def stock_logits(self, rows: bool) -> Tensor:
        """Float32 logits as rows (P, Q), a view if channels-last, or as they are (N, Q, h, w)."""
        logits = self.logits.float()
        return logits.permute(0, 2, 3, 1).reshape(-1, _Q) if rows else logits

    def dense_targets(self, logits: Tensor, rows: bool) -> Tensor:
        """The targets as distributions, shaped as `logits` and of their precision."""
        index, weight = _bins_second(self.index, rows), _bins_second(self.weight, rows)
        return torch.zeros_like(logits, requires_grad=False).scatter_(
            1, index, weight.to(logits.dtype)
        )

    def _mean(self, pixels: Tensor) -> Tensor:
        return (pixels.reshape(-1) * self.pixel_weights()).mean()

    def cases(self) -> dict[str, Callable[[], Tensor]]:
        """Every form, by name: stock ones on rows, of contiguous logits on channels as well."""
        cases: dict[str, Callable[[], Tensor]] = {"ours": self.ours}
        for rows in (True, False) if self.logits.is_contiguous() else (True,):
            axis = "rows" if rows else "channels"
            cases[f"dense targets, {axis}"] = partial(self.dense, rows)
            cases[f"gather, {axis}"] = partial(self.gather, rows)
            cases[f"cross_entropy, {axis}"] = partial(self.stock, rows)
        return cases


def _bins_second(values_NhwK: Tensor, rows: bool) -> Tensor:
    """(P, K) or (N, K, h, w)."""
    return values_NhwK.reshape(-1, _K) if rows else values_NhwK.movedim(-1, 1)


def run(quick: bool) -> harness.Report:
    """How much memory and time does the loss over 313 bins take, against its stock forms?"""
    photos, side = (2, 16) if quick else (8, 64)
    rows: list[harness.Row] = []
    ratios: list[harness.Ratio] = []
    settings = {
        "float32, channels-last": (torch.float32, torch.channels_last),
        "float32, contiguous": (torch.float32, torch.contiguous_format),
        "bfloat16, channels-last": (torch.bfloat16, torch.channels_last),
    }
    with training_settings():
        for name, (dtype, layout) in settings.items():
            check(Problem(1, 16, dtype, layout))
            problem = Problem(photos, side, dtype, layout)
            _compare(name, problem, 2 if quick else 7, rows, ratios)
    notes = [
        f"Logits ({photos}, {_Q}, {side}, {side}), {_K} bins a pixel, class weights; {THREADS} "
        "threads. Memory: the highest sum of what torch allocated above logits and sparse "
        "targets, forward and backward, what is kept in between and the gradient included.",
        "Stock forms: log-softmax in float32, times dense targets or gathered at the sparse ones, "
        "and torch's cross_entropy of dense targets, which are built from the sparse ones. Rows "
        "are permute(0, 2, 3, 1).reshape(-1, Q), a view of channels-last logits and a copy of "
        "contiguous ones, which are therefore also measured on channels, axis 1, as they lie. "
        "Channels-last logits on channels are left out: much slower.",
        "The target is against the dense form of the least memory; time is told against the "
        "fastest stock form of all.",
        "In float32 the gradient alone is as large as the logits, and ours keeps nothing else but "
        "the temporaries of one block; a stock form that needs three such arrays at a time has 3 "
        "times as much, so that a third can be approached but not passed.",
        "In a profile on one thread of the machine of docs/performance.md, half of the time of "
        "ours was the softmax, a tenth each scaling it and, with bfloat16, widening logits and "
        "rounding gradients.",
    ]
    return harness.Report(str(run.__doc__), rows, ratios, notes)


def check(problem: Problem) -> None:
    """SystemExit unless loss and gradient are those of the dense formula in float64."""
    logits = problem.logits.detach().double().requires_grad_(True)
    log_p = F.log_softmax(logits, dim=1)
    dense = problem.dense_targets(logits, rows=False)
    pixels = -(dense * log_p).sum(1).reshape(-1) * problem.pixel_weights()
    expected = pixels.mean()
    (expected_grad,) = torch.autograd.grad(expected, logits)
    digits = 1e-5 if problem.logits.dtype == torch.float32 else 2**-8
    for name, case in problem.cases().items():
        loss = case()
        (grad,) = torch.autograd.grad(loss, problem.logits)
        error = float((grad - expected_grad).abs().max() / expected_grad.abs().max())
        off = abs(loss.item() / expected.item() - 1)
        if off > 1e-5 or error > digits:
            raise SystemExit(f"loss_memory: {name}: wrong loss or gradient (off by {error:g})")


def peak_bytes(problem: Problem, case: Callable[[], Tensor]) -> int:
    """The highest sum of torch's allocations during forward and backward of `case`."""
    problem.logits.grad = None
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        case().backward()  # type: ignore[no-untyped-call]
    results = profiler.profiler.kineto_results  # type: ignore[union-attr]
    changes = [(e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]"]
    held = peak = 0
    for _, change in sorted(changes, key=lambda pair: pair[0]):
        held += change
        peak = max(peak, held)
    problem.logits.grad = None
    return peak


def _compare(
    setting: str,
    problem: Problem,
    rounds: int,
    rows: list[harness.Row],
    ratios: list[harness.Ratio],
) -> None:
    """Measure memory and time of every form, and put ours in relation to them."""
    cases = problem.cases()

    def step(case: Callable[[], Tensor]) -> None:
        problem.logits.grad = None
        case().backward()  # type: ignore[no-untyped-call]

    seconds = harness.measure({k: lambda c=c: step(c) for k, c in cases.items()}, rounds)
    peaks = {k: [peak_bytes(problem, case) for _ in range(rounds)] for k, case in cases.items()}
    for name in cases:
        memory = harness.Spread.of([peak / _MEGABYTE for peak in peaks[name]])
        rows.append(harness.Row(f"{setting}: {name}, memory", "MB", memory))
        time = harness.Spread.of([1e3 * value for value in seconds[name]])
        rows.append(harness.Row(f"{setting}: {name}, time", "ms", time))
    ratios += _ratios(setting, seconds, peaks)


def _ratios(
    setting: str, seconds: dict[str, list[float]], peaks: dict[str, list[int]]
) -> list[harness.Ratio]:
    """Ours against the dense form of the least memory, and against the fastest stock form."""
    stock = [name for name in seconds if name != "ours"]
    small = min((n for n in stock if n.startswith(_DENSE)), key=lambda n: median(peaks[n]))
    fast = min(stock, key=lambda n: median(seconds[n]))
    share = harness.Spread.of([a / b for a, b in zip(peaks["ours"], peaks[small], strict=True)])
    faster = harness.times_faster(seconds[fast], seconds["ours"])
    return [
        harness.Ratio(
            f"{setting}: memory of ours / least dense form",
            share,
            1 / 3,
            at_least=False,
            note=small,
        ),
        harness.Ratio(f"{setting}: time of fastest stock form / ours", faster, note=fast),
    ]


if __name__ == "__main__":
    harness.run_command("loss_memory", run)
