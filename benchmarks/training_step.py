"""Training steps per second, against a plain loop and against the convolutions alone.

Shape suffixes: N photos, 1 channel, C channels, H rows, W columns, Q bins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import harness
from benchmarks.training_data import CPU, THREADS, training_settings
from huescape import networks
from huescape.losses import Targets, build_loss
from huescape.networks.cost import cost_of
from huescape.params.losses import CrossEntropy
from huescape.params.systems import NetworkParams, OptimizerParams, SystemParams
from huescape.training import devices
from huescape.training.batches import Batch
from huescape.training.supervised import SupervisedLearner

_FORMATS = [
    (dtype, layout)
    for dtype in (torch.bfloat16, torch.float32)
    for layout in (torch.channels_last, torch.contiguous_format)
]


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
    precision = "bfloat16" if devices.has_bfloat16(CPU) else "float32"
    notes = [
        f"{THREADS} threads; batches of {cases[-1].batch} random photos of {cases[-1].side} x "
        f"{cases[-1].side} in memory. The project's step: {precision}, channels-last, its own "
        "loss, fused Adam, the gradient's norm. The plain loop: torch's modules in float32, "
        "contiguous, stock losses of the same sparse targets and Adam.",
        "The ceiling is the bare convolutions of the same step, layer by layer in the best of four "
        "formats; its GFLOP/s count two for a multiply-accumulate of the network's cost.",
        "What is not convolution in a step, one thread: of the U-Net of width 32 about 12 % (ReLU "
        "3, pooling 2, batch norm 2, the loss 2, casts 1), of the eight blocks about 5 % (Adam 2, "
        "casts of the weights 2). Within the convolutions, the gradient of the weights is the slow "
        "part, most of all that of strided and transposed ones.",
    ]
    question = str(run.__doc__).split("\n")[0]
    return harness.Report(question, rows, ratios, notes)


def _compare(case: Case, rounds: int, rows: list[harness.Row], ratios: list[harness.Ratio]) -> None:
    batch = random_batch(case)
    check(case, batch)
    learner = _learner(case, "auto")
    plain = PlainLoop(case)
    layers = bare_convolutions(case)
    seconds = harness.measure(
        {
            "the project's step": lambda: learner.step(batch, 0.0),
            "plain loop": lambda: plain.step(batch),
            "convolutions alone": lambda: [layer() for layer in layers],
        },
        rounds,
    )
    for name, values in seconds.items():
        speed = harness.rate(values, case.batch)
        rows.append(harness.Row(f"{case.label}: {name}", "images/s", speed))
    macs = int(cost_of(case.network(), case.side)["macs_per_photo_training"])
    ours, bare = seconds["the project's step"], seconds["convolutions alone"]
    for name, values in (("the project's step", ours), ("convolutions alone", bare)):
        flops = harness.rate(values, 2e-9 * macs * case.batch)
        rows.append(harness.Row(f"{case.label}: {name}", "GFLOP/s", flops))
    faster = harness.times_faster(seconds["plain loop"], ours)
    share = harness.times_faster(bare, ours)
    ratios.append(harness.Ratio(f"{case.label}: steps / plain loop", faster, 2.0))
    goal = 0.5 if case.name == "colorunet" else None
    ratios.append(harness.Ratio(f"{case.label}: share of the ceiling", share, goal))


def random_batch(case: Case) -> Batch:
    """Random photos; five weighted bins a pixel at a stride, one bin at full resolution."""
    generator = torch.Generator().manual_seed(0)
    network: Any = networks.network_class(case.name)
    side = case.side // int(network.stride)
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
            "network": NetworkParams.model_validate({"name": case.name, "width": case.width}),
            "loss": CrossEntropy(name="cross_entropy"),
            "optimizer": OptimizerParams(lr=1e-4),
            "precision": precision,
        }
    )
    loss = build_loss(params.loss, _classes(case), torch.zeros(case.bins, 2))
    return SupervisedLearner(case.network(), loss, params, CPU)


def _classes(case: Case) -> Tensor:
    return torch.linspace(0.5, 1.5, case.bins)


class PlainLoop:
    """What one writes first: stock modules in float32, contiguous, stock loss and optimizer."""

    def __init__(self, case: Case) -> None:
        self.network = case.network().train()
        self.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.forward = partial(plain_unet, self.network) if case.name == "colorunet" else None
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-4)
        self.classes = _classes(case)

    def step(self, batch: Batch) -> None:
        """One update."""
        self.optimizer.zero_grad()
        self.loss(batch).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy in torch's own operations: `cross_entropy`, or log-softmax and gather."""
        input_N1HW = batch.input_N1HW.contiguous()
        logits_NQhw = (self.forward or self.network)(input_N1HW)
        index, weight = batch.targets.index_NhwK, batch.targets.weight_NhwK
        assert index is not None
        if weight is None:
            each = F.cross_entropy(logits_NQhw, index[..., 0], self.classes, reduction="none")
            return each.mean()
        picked = F.log_softmax(logits_NQhw, dim=1).gather(1, index.movedim(-1, 1))
        likely = index.gather(-1, weight.argmax(-1, keepdim=True))[..., 0]
        return -((picked * weight.movedim(-1, 1)).sum(1) * self.classes[likely]).mean()


def plain_unet(network: Any, x_N1HW: Tensor) -> Tensor:
    """ColorUNet's layers in the order of its table, with torch's own operations."""

    def down(block: Any, x: Tensor) -> Tensor:
        x = F.relu(block.conv2(F.relu(block.conv1(x))))
        pooled: Tensor = block.norm(F.max_pool2d(x, 2))
        return pooled

    def up(block: Any, x: Tensor) -> Tensor:
        x = F.relu(stock_up(block.up, x))
        for conv in block.convs:
            x = F.relu(conv(x))
        result: Tensor = block.norm(x)
        return result

    half = down(network.down1, x_N1HW)
    quarter = down(network.down2, half)
    decoded = up(network.up1, down(network.down3, quarter))
    decoded = up(network.up2, torch.cat((decoded, quarter), 1))
    logits: Tensor = network.head(up(network.up3, torch.cat((decoded, half), 1)))
    return logits


def stock_up(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """A transposed convolution with its bias, as `nn.ConvTranspose2d` has it."""
    return nn.ConvTranspose2d.forward(layer, x)


def check(case: Case, batch: Batch) -> None:
    """SystemExit unless the step's loss and gradient are the plain loop's.

    Closely so at the head; of all weights only roughly and in float32: random photos and targets
    leave the layers below a gradient of nearly nothing but what is left when noise cancels, and
    torch's batch norm sums channels-last arrays in float32, contiguous ones in float64.
    """
    plain = PlainLoop(case)
    expected = plain.loss(batch)
    expected.backward()  # type: ignore[no-untyped-call]
    wanted = {"float32": {"head.": 1e-2, "": 0.25}, "auto": {"head.": 0.1}}
    for precision, digits in wanted.items():
        learner = _learner(case, precision)
        off = {"loss": abs(float(learner.step(batch, 0.0)[0]) / expected.item() - 1)}
        for prefix in digits:
            found, stock = (_gradient(x, prefix) for x in (learner.network, plain.network))
            off[prefix] = float((found - stock).norm() / stock.norm())
        if any(error > {"loss": 1e-2, **digits}[name] for name, error in off.items()):
            raise SystemExit(
                f"training_step: {case.label}, {precision}: the loss is off by {off['loss']:g}, "
                f"the head's gradient by {off['head.']:g}, that of all by {off.get('', 0):g}"
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
