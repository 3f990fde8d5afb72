"""Section: training steps in every precision, compiled or not, against a plain loop.

Shape suffixes: N photos, C channels, Q bins, h, w rows and columns of the targets, K bins of a
target.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks import harness
from benchmarks.gpu import inputs
from benchmarks.gpu.inputs import PRECISIONS, Task
from benchmarks.gpu.session import Case, Findings, Session
from benchmarks.harness import Ratio, Spread
from benchmarks.plain_training import plain_forward
from huescape.losses import Targets
from huescape.networks.cost import cost_of
from huescape.training import devices
from huescape.training.batches import Batch

_TARGET = 3.0
_PLAIN = "plain eager float32 loop"


def run(session: Session, found: Findings) -> None:
    """How many images/s are trained on, and with what share of the device's own peak?"""
    peaks = matmul_peaks(session, found)
    tasks = ((inputs.small_task(session), 64), (inputs.large_task(session), 32))
    for compiled in (False, True):
        for task, photos in tasks:
            with found.part(task.network):
                _compare(session, found, task, session.pick(photos, 2), peaks, compiled)
            session.free()
    found.notes += [
        "steps: the plain loop has the same weights in torch's own modules and contiguous layout, "
        "stock cross entropy of class indices for hard bins, of dense targets that are there "
        "already for soft ones, and torch's own settings, by which convolutions of float32 run in "
        "TF32; the project's float32 is IEEE float32",
        "steps: share of the peak = 3 x the forward pass's operations (two for each "
        "multiply-accumulate) / time / the rate of a large matrix product in the same precision",
    ]


def matmul_peaks(session: Session, found: Findings) -> dict[str, float]:
    """Operations per second of a large product in each precision, the median of the rounds."""
    side, peaks = session.pick(8192, 64), {}
    for precision in PRECISIONS:
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        left = torch.randn(side, side, device=session.device, dtype=dtype)
        with (
            found.part(f"matrix product, {precision}"),
            devices.arithmetic(session.device, precision),
        ):
            seconds = session.measure({"product": lambda left=left: left @ left})["product"]
            rate = harness.rate(seconds, 2 * side**3 / 1e12)
            found.row(f"matrix product of {side}, {precision}", "TFLOP/s", rate)
            peaks[precision] = rate.median * 1e12
    return peaks


def _compare(
    session: Session,
    found: Findings,
    task: Task,
    photos: int,
    peaks: dict[str, float],
    compiled: bool,
) -> None:
    """All precisions in turn with the plain loop; compiled, each of them on its own.

    The first use of a compiled step takes long: what is done by the end of the time stays.
    """
    batch = task.batch(photos, session.device)
    groups = [[p] for p in reversed(PRECISIONS)] if compiled else [list(PRECISIONS)]
    suffix = ", compiled" if compiled else ""
    for group in groups:
        torch.compiler.reset()  # it compiles so many networks of a class, then no more
        with found.part(f"{task.network}, {', '.join(group)}{suffix}"):
            cases = {_PLAIN: _case(session, found, task, batch, None, compiled)}
            for precision in group:
                case = _case(session, found, task, batch, precision, compiled)
                cases[precision + suffix] = case
            seconds = session.measure(cases)
            _write_down(found, task, photos, seconds, peaks, with_plain=not compiled)
        session.free()


def _case(
    session: Session,
    found: Findings,
    task: Task,
    batch: Batch,
    precision: str | None,
    compiled: bool,
) -> Case:
    """A step of the project in `precision`, or without one the plain loop's; tells its memory."""
    if precision is None:
        case, peak = session.made_with_peak(lambda: plain_step(task, batch, session.device))
        name = _PLAIN
    else:
        case, peak = session.made_with_peak(
            lambda: learner_step(task, batch, session.device, precision, compiled)
        )
        name = precision + (", compiled" if compiled else "")
    if peak is not None and not (compiled and precision is None):
        gib = Spread.of([peak / 2**30])
        found.row(f"{task.network}: {name}, memory", "GiB", gib, "weights and optimizer included")
    return case


def learner_step(
    task: Task, batch: Batch, device: torch.device, precision: str, compiled: bool
) -> Case:
    """A step of the project's learner with the settings of its training loop."""
    learner = task.learner(device, precision, compiled)

    def step() -> None:
        with devices.arithmetic(device, precision):
            learner.step(batch, 0.0)

    return step


def plain_step(task: Task, batch: Batch, device: torch.device) -> Case:
    """A step as one would write it with stock modules: contiguous, float32, eager.

    Hard bins are class indices, soft ones distributions; either is made before the first step.
    """
    network: Any = task.build(device)
    network.to(memory_format=torch.contiguous_format)
    network.train()
    forward = plain_forward(task.network, network)
    optimizer = torch.optim.Adam(network.parameters(), 1e-5)
    target, likely_Nhw = stock_target(batch.targets, task.outputs)
    weights_Q = torch.linspace(0.5, 1.5, task.outputs, device=device)
    pixel_Nhw = weights_Q[likely_Nhw] * batch.targets.mask_Nhw
    count = batch.targets.mask_Nhw.sum()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        logits_NQhw = forward(batch.input_N1HW)
        each_Nhw = F.cross_entropy(logits_NQhw, target, reduction="none")
        ((each_Nhw * pixel_Nhw).sum() / count).backward()
        optimizer.step()

    return step


def stock_target(targets: Targets, bins: int) -> tuple[Tensor, Tensor]:
    """What `cross_entropy` takes, and each pixel's likely bin (N, h, w): the same if hard."""
    assert targets.index_NhwK is not None
    if targets.index_NhwK.shape[-1] == 1:
        index_Nhw = targets.index_NhwK[..., 0].contiguous()
        return index_Nhw, index_Nhw
    dense_NQhw = dense_targets(targets, bins)
    return dense_NQhw, dense_NQhw.argmax(1)


def dense_targets(targets: Targets, bins: int) -> Tensor:
    """The targets as distributions over all bins (N, Q, h, w)."""
    assert targets.index_NhwK is not None
    weight_NhwK = targets.weight_NhwK
    if weight_NhwK is None:
        weight_NhwK = torch.ones_like(targets.index_NhwK, dtype=torch.float32)
    dense_NhwQ = torch.zeros(*targets.mask_Nhw.shape, bins, device=weight_NhwK.device).scatter_add_(
        3, targets.index_NhwK, weight_NhwK
    )
    return dense_NhwQ.permute(0, 3, 1, 2).contiguous()


def _write_down(
    found: Findings,
    task: Task,
    photos: int,
    seconds: dict[str, list[float]],
    peaks: dict[str, float],
    *,
    with_plain: bool,
) -> None:
    macs = int(cost_of(task.build("cpu"), task.side)["macs_per_photo_inference"])
    operations = 3 * 2 * macs * photos
    for name, values in seconds.items():
        if name == _PLAIN and not with_plain:
            continue
        peak = peaks.get(name.split(",")[0])
        share = ""
        if peak:
            share = f"{operations / Spread.of(values).median / peak:.1%} of the peak"
        found.row(f"{task.network}: {name}", "images/s", harness.rate(values, photos), share)
        if name != _PLAIN:
            goal = _TARGET if name.startswith("bfloat16") else None
            value = harness.times_faster(seconds[_PLAIN], values)
            found.ratios.append(Ratio(f"{task.network}: {name} / {_PLAIN}", value, goal))
