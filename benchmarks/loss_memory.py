"""Memory and time of the losses over color bins, against their stock forms.

Legend: N photos, Q bins, h, w rows and columns of the targets, K bins of a target.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks import harness
from benchmarks.training_data import THREADS, training_settings
from huescape.losses import Targets, build_loss
from huescape.params.losses import CrossEntropy

_Q, _K = 313, 5
_MEGABYTE = 1 << 20


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
        params = CrossEntropy(name="cross_entropy")
        self.module = build_loss(params, self.classes, torch.zeros(_Q, 2))

    def dense_targets(self) -> Tensor:
        """The targets as distributions (N, Q, h, w), in the layout of the logits, float32."""
        dense = torch.zeros_like(self.logits, dtype=torch.float32, requires_grad=False)
        return dense.scatter_(1, self.index.movedim(-1, 1), self.weight.movedim(-1, 1))

    def pixel_weights(self) -> Tensor:
        """The class weight of each pixel's most likely bin, (N, h, w)."""
        place = self.weight.argmax(-1, keepdim=True)
        return self.classes[self.index.gather(-1, place)[..., 0]]

    def ours(self) -> Tensor:
        """The project's loss."""
        loss: Tensor = self.module(self.logits, self.targets)
        return loss

    def dense(self) -> Tensor:
        """Log-softmax times dense targets, which are built first."""
        log_p = F.log_softmax(self.logits.float(), dim=1)
        return -((self.dense_targets() * log_p).sum(1) * self.pixel_weights()).mean()

    def sparse(self) -> Tensor:
        """Log-softmax, of which the bins of the targets are gathered."""
        log_p = F.log_softmax(self.logits.float(), dim=1)
        picked = log_p.gather(1, self.index.movedim(-1, 1))
        pixels = (picked * self.weight.movedim(-1, 1)).sum(1)
        return -(pixels * self.pixel_weights()).mean()

    def cases(self) -> dict[str, Callable[[], Tensor]]:
        """Every form, by name."""
        return {
            "ours": self.ours,
            "log-softmax, dense targets": self.dense,
            "log-softmax, gather": self.sparse,
        }


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
        "The gradient alone is as large as the logits, and ours keeps nothing else but the "
        "temporaries of one block; stock forms also keep the log-probabilities and the dense "
        "targets or the gradient of the log-probabilities: three arrays in contiguous layout, of "
        "which the gradient is 0.334, and one copy more in channels-last.",
        "Contiguous logits are told for information: the networks give channels-last ones, which "
        "are what a pixel's row needs; others are transposed block by block.",
        "Time: half of ours is the softmax, a tenth each scaling it and, with bfloat16, widening "
        "logits and rounding gradients.",
    ]
    return harness.Report(str(run.__doc__), rows, ratios, notes)


def check(problem: Problem) -> None:
    """SystemExit unless loss and gradient are those of the dense formula in float64."""
    logits = problem.logits.detach().double().requires_grad_(True)
    log_p = F.log_softmax(logits, dim=1)
    pixels = (problem.dense_targets().double() * log_p).sum(1) * problem.pixel_weights()
    expected = -pixels.mean()
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
        if name == "ours":
            continue
        share = harness.Spread.of([a / b for a, b in zip(peaks["ours"], peaks[name], strict=True)])
        wanted = "dense" in name and "channels-last" in setting
        target = 1 / 3 if wanted else None
        ratios.append(
            harness.Ratio(f"{setting}: memory of ours / {name}", share, target, at_least=False)
        )
        faster = harness.times_faster(seconds[name], seconds["ours"])
        ratios.append(harness.Ratio(f"{setting}: time of {name} / ours", faster))


if __name__ == "__main__":
    harness.run_command("loss_memory", run)
