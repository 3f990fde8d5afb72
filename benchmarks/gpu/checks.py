"""Section: what is fast on the device against float64 on the CPU.

Shape suffixes: N photos, C channels, Q bins, h, w rows and columns of the targets.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import torch
from torch import Tensor, nn

from benchmarks.gpu import inputs
from benchmarks.gpu.inputs import Task
from benchmarks.gpu.session import Findings, Session, one_line
from huescape.color import decoding
from huescape.losses import Targets, build_loss
from huescape.training import devices, learners
from huescape.training.batches import Batch
from huescape.training.learners import Learner
from huescape.training.prefetch import batches_on

_LOSSES = ("cross_entropy", "focal", "exact_focal", "block", "l2")
# Of the loss itself, and of the largest value of the gradient. bfloat16 keeps 8 bits.
_LOSS, _GRADIENT = 1e-5, {torch.float32: 1e-5, torch.bfloat16: 2**-7}
# Root mean square of the error, as a share of that of the output. Twenty layers whose fresh norms
# subtract nearly equal means enlarge the rounding of float32 to 2e-4 and that of bfloat16 to 0.16
# on any device; an operation that is wrong gives 1.
_NETWORK = {"float32": 1e-3, "tf32": 3e-2, "bfloat16": 0.25}
# In units of chroma, of which a bin is 10.
_COLOR = 1e-3


def run(session: Session, found: Findings) -> None:
    """Do the fast paths on the device agree with float64 on the CPU?"""
    for name in _LOSSES:
        for dtype in _GRADIENT:
            label = f"{name}, {str(dtype).removeprefix('torch.')}"
            with found.part(label):
                _check_loss(session, found, name, dtype, label)
    with found.part("colors"):
        _check_colors(session, found)
    with found.part("batches made ahead"):
        _check_batches(session, found)
    with found.part("a step without waiting"):
        _check_waiting(session, found)
    found.notes.append(
        "checks: errors of gradients are shares of the largest value, those of losses of the loss "
        "itself, those of networks root mean squares as shares of the output's, those of colors in "
        "units of chroma; inputs with masked pixels and logits of ±10,000 and more"
    )
    for compiled in (False, True):  # what takes long comes last
        for task in _tasks(session)[: 2 if compiled else None]:
            with found.part(task.network):
                _check_network(session, found, task, compiled)


def extreme_logits(shape: tuple[int, ...]) -> Tensor:
    """Float64 logits of all sizes: usual ones, ties, and pixels with ±80 and ±10,000."""
    generator = torch.Generator().manual_seed(5)
    logits_NQhw = torch.randn(shape, generator=generator, dtype=torch.float64) * 3
    logits_NQhw[:, :, 0] *= 80 / 3
    logits_NQhw[:, :, 1] *= 1e4 / 3
    logits_NQhw[:, :, 2] = 0
    return logits_NQhw


def _check_loss(
    session: Session, found: Findings, name: str, dtype: torch.dtype, label: str
) -> None:
    outputs = 2 if name == "l2" else 313
    task = Task("zhang2016", outputs, 64, loss={"name": name})
    bins = 313
    targets = inputs.random_targets(2, 16, bins, 5)
    values = extreme_logits((2, outputs, 16, 16)).to(dtype)
    loss = build_loss(
        task.params("float32").loss, torch.linspace(0.5, 1.5, bins), inputs.random_centers(bins)
    )
    expected = _loss_and_gradient(loss, values.double(), targets)
    on_device = values.to(session.device).contiguous(memory_format=torch.channels_last)
    got = _loss_and_gradient(loss.to(session.device), on_device, targets.to(session.device))
    found.check(f"{label}: loss", relative_error(got[0], expected[0]), _LOSS)
    found.check(f"{label}: gradient", relative_error(got[1], expected[1]), _GRADIENT[dtype])
    masked = got[1].double().cpu() * ~targets.mask_Nhw[:, None]
    found.check(f"{label}: gradient of masked pixels", float(masked.abs().max()), 0.0)


def _loss_and_gradient(
    loss: nn.Module, output_NChw: Tensor, targets: Targets
) -> tuple[Tensor, Tensor]:
    leaf = output_NChw.detach().requires_grad_(True)
    value = loss(leaf, targets)
    value.backward()
    assert leaf.grad is not None
    return value.detach(), leaf.grad


def relative_error(got: Tensor, expected: Tensor) -> float:
    """The largest error, as a share of the largest value; infinite where one is not finite."""
    got = got.detach().double().cpu()
    if not bool(torch.isfinite(got).all()):
        return float("inf")
    expected = expected.detach().double().cpu()
    scale = float(expected.abs().max())
    return float((got - expected).abs().max()) / (scale or 1.0)


def _check_colors(session: Session, found: Findings) -> None:
    centers = inputs.random_centers(313) * 110
    logits = extreme_logits((2, 313, 16, 16)).float()
    prior = inputs.random_centers(313).square().sum(dim=1)
    methods: tuple[decoding.Method, ...] = ("annealed", "median")
    for method, temperature, tau in product(methods, (1.0, 0.38, 1e-3), (0.0, 0.4)):
        how = method, temperature, tau
        expected = decoding.decode(logits.double(), centers.double(), *how, prior)
        tensors = (logits, centers, prior)
        logits_, centers_, prior_ = (tensor.to(session.device) for tensor in tensors)
        got = decoding.decode(logits_, centers_, *how, prior_)
        error = float((got.cpu() - expected).abs().max())
        found.check(f"{method}, T = {temperature:g}, tau = {tau:g}", error, _COLOR)
    chroma = torch.randn(2, 2, 16, 16, dtype=torch.float64) * 50
    expected = decoding.upsample_chroma(chroma, (64, 60), 4, (64, 60))
    got = decoding.upsample_chroma(chroma.float().to(session.device), (64, 60), 4, (64, 60))
    found.check("upsampled chroma", float((got.cpu() - expected).abs().max()), _COLOR)


def _tasks(session: Session) -> list[Task]:
    """Every network; those that are compiled in training steps come first."""
    side, narrow = session.pick(64, 32), {"width": 4} if session.quick else {}
    return [
        Task("colorunet", 32, side, options=narrow),
        Task("zhang2016", 313, side, options=narrow),
        Task("mleu", 313, side, options={"pretrained": "none", **narrow}),
        Task("chromagan", 2, side, loss={"name": "chromagan"}, options=narrow),
        Task("flat", 32, side, options=narrow),
    ]


def _check_network(session: Session, found: Findings, task: Task, compiled: bool) -> None:
    """In training mode, whose norms use the batch: with fresh running means, outputs explode."""
    input_N1HW = task.batch(4, torch.device("cpu")).input_N1HW
    with torch.no_grad():
        expected = task.build("cpu").double().train()(input_N1HW.double())
    on_device = input_N1HW.to(session.device)
    torch.compiler.reset()  # it compiles so many networks of a class, then no more
    for precision, allowed in _NETWORK.items():
        if compiled and precision == "tf32":
            continue
        label = f"{task.network}, {precision}{', compiled' if compiled else ''}"
        with found.part(label), devices.arithmetic(session.device, precision):
            network = task.build(session.device).train()
            runs = learners.compiled(network, session.device) if compiled else network
            with devices.autocast(session.device, precision), torch.no_grad():
                got = runs(on_device)
            found.check(label, mean_error(got, expected), allowed)


def mean_error(got: Tensor, expected: Tensor) -> float:
    """Root mean square of the error, as a share of that of what is expected."""
    got, expected = got.detach().double().cpu(), expected.detach().double().cpu()
    return float((got - expected).square().mean().sqrt() / expected.square().mean().sqrt())


def _check_batches(session: Session, found: Findings) -> None:
    """What arrives through the thread is what was made, while the device is busy."""
    task = replace(inputs.large_task(session), side=64, options={"width": 4})
    made = [task.batch(n, torch.device("cpu")) for n in (1, 2, 3, 4, 5)]
    busy = torch.ones(session.pick(4096, 64), session.pick(4096, 64), device=session.device)
    wrong = 0
    with batches_on(session.device, lambda k: made[k % 5], range(50)) as batches:
        for k, batch in enumerate(batches):
            busy = (busy @ busy).clamp(max=1)
            pairs = [
                (batch.input_N1HW, made[k % 5].input_N1HW),
                (batch.targets.mask_Nhw, made[k % 5].targets.mask_Nhw),
                (batch.targets.index_NhwK, made[k % 5].targets.index_NhwK),
                (batch.targets.weight_NhwK, made[k % 5].targets.weight_NhwK),
            ]
            wrong += sum(
                not torch.equal(a.cpu(), b) for a, b in pairs if a is not None and b is not None
            )
    found.check("batches made ahead: wrong arrays", wrong, 0)


def _check_waiting(session: Session, found: Findings) -> None:
    """CUDA raises where a step would wait for it; elsewhere there is nothing to wait for."""
    if not session.cuda:
        found.missing("a step without waiting for the device", "only CUDA can tell")
        return
    for name in _LOSSES:
        outputs = 2 if name == "l2" else 32
        task = Task("colorunet", outputs, 64, 5, loss={"name": name})
        learner = task.learner(session.device, "bfloat16")
        _check_step(found, name, learner, task.batch(2, session.device))
    task = Task("chromagan", 2, 64, loss={"name": "chromagan", "class_share": 0.0})
    learner = task.learner(session.device, "bfloat16")
    _check_step(found, "chromagan", learner, task.batch(2, session.device))


def _check_step(found: Findings, name: str, learner: Learner, batch: Batch) -> None:
    label = f"a step with {name} waits for the device"
    learner.step(batch, 0.0)
    waits = 0
    torch.cuda.set_sync_debug_mode("error")
    try:
        learner.step(batch, 0.5)
    except RuntimeError as error:
        waits = 1
        found.notes.append(f"checks: {label}: {one_line(error)}")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    found.check(label, waits, 0)
