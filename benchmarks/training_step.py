"""Training steps per second, against a plain loop and against the convolutions alone.

Shape suffixes: N photos, 1 channel, C channels, H rows, W columns, Q bins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import harness
from benchmarks.plain_training import PlainLoop
from benchmarks.training_data import CPU, THREADS, training_settings
from huescape import networks
from huescape.losses import Targets, build_loss
from huescape.networks.cost import cost_of
from huescape.params.base import Named
from huescape.params.systems import OptimizerParams, SystemParams
from huescape.training import devices
from huescape.training.batches import Batch
from huescape.training.learners import SupervisedLearner
from huescape.training.run import build_learner

_FORMATS = [
    (dtype, layout)
    for dtype in (torch.bfloat16, torch.float32)
    for layout in (torch.channels_last, torch.contiguous_format)
]


_PLAIN = "plain float32 loop"
_AUTOCAST = "plain loop, autocast bfloat16, channels-last"
_BARE = "convolutions alone"


@dataclass(frozen=True)
class Case:
    """A network to train: its registered name and width, bins, photos of a batch, their side."""

    name: str
    width: int
    bins: int
    batch: int
    side: int

    @property
    def label(self) -> str:
        """As the table calls it."""
        return f"{self.name}, width {self.width}"

    def network(self) -> nn.Module:
        """Fresh weights, the same each time."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return networks.build(self.name, {"width": self.width}, self.bins)


def run(quick: bool) -> harness.Report:
    """How fast are training steps, against a plain loop and against the convolutions alone?

    The ceiling is the time of the convolutions of one step and nothing else: for each layer the
    forward pass, the gradient of the weights and, but for the first layer, of the input, on arrays
    of the step's shapes, in whichever of bfloat16 and float32, channels-last and
    contiguous, takes the shortest time for that layer.
    """
    cases = [
        Case("colorunet", 16, 32, 4, 256),
        Case("colorunet", 32, 32, 4, 256),
        Case("zhang2016", 64, 313, 4, 256),
    ]
    if quick:
        cases = [Case("colorunet", 4, 8, 2, 32), Case("zhang2016", 4, 8, 2, 32)]
    rows: list[harness.Row] = []
    ratios: list[harness.Ratio] = []
    with training_settings():
        for case in cases:
            _compare(case, 2 if quick else 5, rows, ratios)
    notes = [
        f"{THREADS} threads; batches of {cases[-1].batch} random photos of {cases[-1].side} x "
        f'{cases[-1].side} in memory. "{_precision()} step" is the project\'s in its automatic '
        'precision, "float32 step" the same in float32: channels-last, its own loss, fused Adam, '
        "the gradient's norm.",
        "The plain loops: torch's modules, stock losses of the same sparse targets and Adam as it "
        "comes. The one in float32 is contiguous, what one writes first; that in autocast has "
        "channels-last weights and photos, and its loss reads pixels as rows in float32.",
        "The ratio with the target compares two precisions where the step's is bfloat16. What the "
        "project's layout, blocks, loss and optimizer add, the two others tell, each within one "
        "precision; the rest is the precision, which one line of a plain loop gives as well.",
        "The ceiling is the bare convolutions of the same step, layer by layer in the best of four "
        "formats; its GFLOP/s count two for a multiply-accumulate of the network's cost.",
        "In a profile on one thread of the machine of docs/performance.md, what is not convolution "
        "took 12 % of a step of the U-Net of width 32 (ReLU 3, pooling 2, batch norm 2, the loss "
        "2, casts 1) and 5 % of one of the eight blocks (Adam 2, casts of the weights 2). Within "
        "the convolutions, the gradient of the weights is the slow part, most of all that of "
        "strided and transposed ones.",
    ]
    question = str(run.__doc__).split("\n")[0]
    return harness.Report(question, rows, ratios, notes)


def _compare(case: Case, rounds: int, rows: list[harness.Row], ratios: list[harness.Ratio]) -> None:
    batch = random_batch(case)
    check(case, batch)
    seconds = harness.measure(_steps(case, batch), rounds)
    for name, values in seconds.items():
        speed = harness.rate(values, case.batch)
        rows.append(harness.Row(f"{case.label}: {name}", "images/s", speed))
    macs = int(cost_of(case.network(), case.side)["macs_per_photo_training"])
    ours = seconds[f"{_precision()} step"]
    for name in (f"{_precision()} step", _BARE):
        flops = harness.rate(seconds[name], 2e-9 * macs * case.batch)
        rows.append(harness.Row(f"{case.label}: {name}", "GFLOP/s", flops))
    pairs = {(_precision(), _PLAIN), (_precision(), _AUTOCAST), ("float32", _PLAIN)}
    for precision, peer in sorted(pairs):
        target = 2.0 if (precision, peer) == (_precision(), _PLAIN) else None
        faster = harness.times_faster(seconds[peer], seconds[f"{precision} step"])
        ratios.append(harness.Ratio(f"{case.label}: {precision} step / {peer}", faster, target))
    share = harness.times_faster(seconds[_BARE], ours)
    goal = 0.5 if case.name == "colorunet" else None
    ratios.append(harness.Ratio(f"{case.label}: share of the ceiling", share, goal))


def _precision() -> str:
    """What the automatic precision is on this machine."""
    return "bfloat16" if devices.has_bfloat16(CPU) else "float32"


def _steps(case: Case, batch: Batch) -> dict[str, Callable[[], object]]:
    """A step of every kind, by name; each has weights of its own."""
    cases: dict[str, Callable[[], object]] = {}
    for precision in (_precision(), "float32"):
        learner = _learner(case, precision)
        cases[f"{precision} step"] = lambda learner=learner: learner.step(batch, 0.0)
    plain, autocast = _plain(case), _plain(case, bfloat16=True)
    cases[_PLAIN] = lambda: plain.step(batch)
    cases[_AUTOCAST] = lambda: autocast.step(batch)
    layers = bare_convolutions(case)
    cases[_BARE] = lambda: [layer() for layer in layers]
    return cases


def random_batch(case: Case) -> Batch:
    """Random photos; five weighted bins a pixel at a stride, one bin at full resolution."""
    generator = torch.Generator().manual_seed(0)
    network = networks.NETWORKS.find(case.name)
    side = case.side // network.stride
    shape = (case.batch, side, side)
    kept = 1 if side == case.side else 5
    index = torch.randint(case.bins, (*shape, 1), generator=generator)
    index = (index + torch.arange(kept)) % case.bins
    weight = torch.rand(*shape, kept, generator=generator) + 0.1
    weight = weight / weight.sum(-1, keepdim=True)
    targets = Targets(torch.ones(shape, dtype=torch.bool), index, weight if kept > 1 else None)
    photos = torch.randn(case.batch, 1, case.side, case.side, generator=generator)
    return Batch(photos, targets).to(CPU)


def _learner(case: Case, precision: str) -> SupervisedLearner:
    """The project's own."""
    params = SystemParams.model_validate(
        {
            "preset": "benchmark",
            "quantizer": "benchmark",
            "network": Named.model_validate({"name": case.name, "width": case.width}),
            "loss": Named(name="cross_entropy"),
            "optimizer": OptimizerParams(lr=1e-4),
            "precision": precision,
        }
    )
    loss = build_loss(params.loss, _classes(case), torch.zeros(case.bins, 2))
    learner = build_learner(case.network(), loss, params, CPU)
    assert isinstance(learner, SupervisedLearner)
    return learner


def _classes(case: Case) -> Tensor:
    return torch.linspace(0.5, 1.5, case.bins)


def _plain(case: Case, *, bfloat16: bool = False) -> PlainLoop:
    return PlainLoop(case.name, case.network(), _classes(case), bfloat16=bfloat16)


def check(case: Case, batch: Batch) -> None:
    """SystemExit unless the step's loss and gradient are the plain loop's.

    Exactly so in float64, on two small photos, for the weights of all layers. In the automatic
    precision only roughly, and of the head alone: random photos and targets leave the layers below
    a gradient of little but what is left when noise cancels.
    """
    small = replace(case, batch=2, side=min(case.side, 64))
    learner, plain = _learner(small, "float32"), _plain(small)
    for module in (learner.network, learner.loss, plain.network):
        module.double()
    plain.classes_Q = plain.classes_Q.double()
    _check(f"{case.label}, float64", learner, plain, _in_float64(random_batch(small)), "", 1e-9)
    _check(f"{case.label}, auto", _learner(case, "auto"), _plain(case), batch, "head.", 0.1)


def _in_float64(batch: Batch) -> Batch:
    weight = batch.targets.weight_NhwK
    targets = replace(batch.targets, weight_NhwK=None if weight is None else weight.double())
    return replace(batch, input_N1HW=batch.input_N1HW.double(), targets=targets)


def _check(
    label: str,
    learner: SupervisedLearner,
    plain: PlainLoop,
    batch: Batch,
    prefix: str,
    digits: float,
) -> None:
    """SystemExit unless the loss is right to a tenth of `digits`, the gradient to `digits`."""
    expected = plain.loss(batch)
    expected.backward()  # type: ignore[no-untyped-call]
    loss = abs(float(learner.step(batch, 0.0)[0]) / expected.item() - 1)
    found, stock = (_gradient(x, prefix) for x in (learner.network, plain.network))
    gradient = float((found - stock).norm() / stock.norm())
    if not (loss <= digits / 10 and gradient <= digits):
        raise SystemExit(
            f"training_step: {label}: the loss is off by {loss:g}, the gradient by {gradient:g}"
        )


def _gradient(network: nn.Module, prefix: str) -> Tensor:
    """The gradient of the weights below `prefix`, in one row."""
    named = [(k, p) for k, p in network.named_parameters() if k.startswith(prefix)]
    return torch.cat([p.grad.flatten() for _, p in named if p.grad is not None])


def bare_convolutions(case: Case) -> list[Callable[[], object]]:
    """Forward and backward of each convolution of a step, in the format that is fastest."""
    network = case.network()
    found: list[tuple[Any, Tensor, Tensor]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda layer, x, y: found.append((layer, x[0], y)))
    with torch.no_grad():
        network(torch.randn(case.batch, 1, case.side, case.side))
    return [_fastest(layer, x, y) for layer, x, y in found]


def _fastest(layer: Any, input_NCHW: Tensor, output_NCHW: Tensor) -> Callable[[], object]:
    """Of the four formats, the one whose best of two runs is the shortest."""
    candidates = [_bare(layer, input_NCHW, output_NCHW, *form) for form in _FORMATS]
    return min(candidates, key=_shortest)


def _shortest(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def _bare(
    layer: Any,
    input_NCHW: Tensor,
    output_NCHW: Tensor,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> Callable[[], object]:
    """Forward and backward of one convolution on arrays of these shapes, as torch calls them."""
    arrays = (input_NCHW, layer.weight.detach(), torch.randn_like(output_NCHW))
    x, weight, grad = (array.to(dtype).contiguous(memory_format=layout) for array in arrays)
    transposed = isinstance(layer, nn.ConvTranspose2d)
    shape: Sequence[Any] = (layer.stride, layer.padding, layer.dilation, transposed)
    more = (*shape, layer.output_padding, layer.groups)
    wanted = [x.shape[1] > 1, True, False]

    def both() -> None:
        torch.ops.aten.convolution(x, weight, None, *more)
        torch.ops.aten.convolution_backward(grad, x, weight, None, *more, wanted)

    return both


if __name__ == "__main__":
    harness.run_command("training_step", run)
