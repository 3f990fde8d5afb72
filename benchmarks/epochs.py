"""An epoch of cross entropy over color bins against one of squared error, from encoded shards.

Shape suffixes: N photos, 1 channel, H rows, W columns, h, w rows and columns of the targets,
Q bins, K bins of a target.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.neighbors import BallTree
from torch import Tensor, nn

from benchmarks import harness
from benchmarks.training_data import (
    CPU,
    HARD_FULL,
    LAB313,
    SOFT_FULL,
    SOFT_QUARTER,
    THREADS,
    YUV32,
    Training,
    encoded,
    training,
    training_settings,
    write_photos,
)
from huescape.losses import Targets
from huescape.params.base import Named
from huescape.params.quantizers import ChromaTargets, Encoding
from huescape.shards import ShardSet
from huescape.training import devices
from huescape.training.batches import Batch
from huescape.training.run import build_learner

_FULL = "head 256², "
_QUARTER = "head 64², "


@dataclass(frozen=True)
class Size:
    """Photos of an epoch, of a batch, and different ones; their side; width of the network."""

    epoch: int
    batch: int
    rendered: int
    side: int
    width: int

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.epoch // self.batch


def run(quick: bool) -> harness.Report:
    """What does an epoch of weighted cross entropy cost more than one of squared error?"""
    size = Size(8, 4, 4, 64, 4) if quick else Size(16, 4, 12, 256, 32)
    with tempfile.TemporaryDirectory() as folder, training_settings():
        photos = write_photos(
            Path(folder) / "photos", rendered=size.rendered, count=size.epoch, size=size.side
        )
        cases = _cases(photos, size)
        seconds = harness.measure(cases, 2 if quick else 4 * harness.ROUNDS)
    rows = [
        harness.Row(name, "images/s", harness.rate(values, size.epoch))
        for name, values in seconds.items()
    ]
    return harness.Report(str(run.__doc__), rows, _ratios(seconds), _notes(size))


def _cases(photos: Path, size: Size) -> dict[str, Callable[[], object]]:
    """An epoch of every kind, by name."""
    trainings = {
        _QUARTER + "squared error": _trained(
            photos, size, "l2", ChromaTargets(method="chroma", stride=4)
        ),
        _QUARTER + "313 soft bins": _trained(photos, size, "soft", SOFT_QUARTER),
        _FULL + "squared error": _trained(
            photos, size, "l2", ChromaTargets(method="chroma", stride=1)
        ),
        _FULL + "32 hard bins": _trained(photos, size, "hard", HARD_FULL),
        _FULL + "313 soft bins": _trained(photos, size, "soft", SOFT_FULL),
    }
    cases: dict[str, Callable[[], object]] = {}
    for name, one in trainings.items():
        check_loss(name, one)
        cases[name] = lambda one=one: one.run(size.steps)
        if "313" in name:
            held = one.batches.train(0).to(CPU)
            cases[name + ", one batch in memory"] = lambda one=one, held=held: one.run(
                size.steps, held
            )
    for name in (_QUARTER, _FULL):
        one = trainings[name + "313 soft bins"]
        encoder = OnTheFly(ShardSet.open(photos, "photos"), one, size)
        encoder.check()
        cases[name + "313 bins encoded on the fly"] = lambda e=encoder: e.run(size.steps)
    return cases


def _trained(photos: Path, size: Size, kind: str, encoding: Encoding) -> Training:
    """A learner of its own shards: ColorUNet at full resolution, MLEU's U-Net at a quarter."""
    name = f"{kind}{encoding.stride}"
    rule, plane = (YUV32, "yuv") if kind == "hard" else (LAB313, "lab")
    data = encoded(photos, name, plane, rule, encoding)
    loss = Named(name="l2") if kind == "l2" else Named(name="cross_entropy")
    options: dict[str, object] = {"name": "colorunet", "width": size.width}
    if encoding.stride == 4:
        options = {"name": "mleu", "width": size.width, "stride": 4, "pretrained": "none"}
    return training(data, Named.model_validate(options), loss, batch=size.batch)


class DenseLoss(nn.Module):
    """Weighted cross entropy of dense distributions (N, h, w, Q), in torch's own operations."""

    def __init__(self, weights_Q: Tensor) -> None:
        super().__init__()
        self.weights_Q = weights_Q

    def forward(self, logits_NQhw: Tensor, targets: Targets) -> Tensor:
        """The mean over the pixels; `targets` holds the distributions as its weights."""
        assert targets.weight_NhwK is not None
        target_NhwQ = targets.weight_NhwK
        # The last axis is the dense one: six times as fast as over the channels' axis.
        log_p_NhwQ = F.log_softmax(logits_NQhw.float().permute(0, 2, 3, 1), dim=-1)
        weight_Nhw = self.weights_Q[target_NhwQ.argmax(-1)]
        return -((target_NhwQ * log_p_NhwQ).sum(-1) * weight_Nhw).mean()

    def per_pixel(self, loss: Tensor, mask_Nhw: Tensor) -> Tensor:
        """It is one."""
        return loss


class OnTheFly:
    """The usual way: photos lie in memory, and each batch is encoded when it is needed.

    The five nearest bins come from scikit-learn's ball tree; a batch's targets are dense.
    """

    def __init__(self, photos: ShardSet, like: Training, size: Size) -> None:
        self.size, self.like = size, like.data
        params = Named(name="cross_entropy")
        network = like.system.params.network
        self.training = training(like.data, network, params, batch=size.batch)
        loss = DenseLoss(torch.as_tensor(like.data.weights_Q, dtype=torch.float32))
        system = self.training.system
        self.training.learner = build_learner(system.network, loss, system.params, CPU)
        self.tree = BallTree(like.data.centers)
        stride = int(like.data.shards.meta["stride"])
        lab_NHW3 = system.space.from_rgb(photos.take("rgb", np.arange(photos.count)))
        self.ab_Nhw2 = lab_NHW3[:, stride // 2 :: stride, stride // 2 :: stride, 1:]
        lightness_N1HW = torch.from_numpy(np.ascontiguousarray(lab_NHW3[:, None, :, :, 0]))
        self.input_N1HW = system.normalize(lightness_N1HW.float())

    def encode(self, ab_hw2: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The targets of one photo as distributions (h, w, Q)."""
        distance_PK, index_PK = self.tree.query(ab_hw2.reshape(-1, 2), k=5)
        weight_PK = np.exp(-(distance_PK**2) / (2 * 5.0**2))
        weight_PK /= weight_PK.sum(1, keepdims=True)
        target_PQ = np.zeros((len(index_PK), len(self.like.centers)), np.float32)
        target_PQ[np.arange(len(index_PK))[:, None], index_PK] = weight_PK
        return target_PQ.reshape(*ab_hw2.shape[:2], -1)

    def batch(self, step: int) -> Batch:
        """The batch of `step`, in the order of the photos."""
        rows_N = np.arange(step * self.size.batch, (step + 1) * self.size.batch) % self.size.epoch
        target_NhwQ = torch.from_numpy(np.stack([self.encode(self.ab_Nhw2[r]) for r in rows_N]))
        mask_Nhw = torch.ones(target_NhwQ.shape[:3], dtype=torch.bool)
        return Batch(self.input_N1HW[rows_N], Targets(mask_Nhw, weight_NhwK=target_NhwQ)).to(CPU)

    def run(self, steps: int) -> None:
        """An epoch of `steps` steps."""
        for step in range(steps):
            self.training.run(1, self.batch(step))

    def check(self) -> None:
        """SystemExit unless the shards hold the distributions that the ball tree finds."""
        target_hwQ = self.encode(self.ab_Nhw2[0])
        stored_hwQ = np.zeros_like(target_hwQ)
        index_hwK = self.like.shards.take("index", [0])[0].astype(np.int64)
        weight_hwK = self.like.shards.take("weight", [0])[0].astype(np.float32)
        np.put_along_axis(stored_hwQ, index_hwK, weight_hwK, -1)
        off = float(np.abs(target_hwQ - stored_hwQ).sum(-1).mean() / 2)
        if off > 1e-3:
            raise SystemExit(f"epochs: shards and ball tree differ by {off:g} of the weights")


def check_loss(name: str, one: Training) -> None:
    """SystemExit unless the loss of the first batch is that of the dense formula in float64."""
    whole, side = one.batches.train(0).targets, 16
    parts = (whole.mask_Nhw, whole.index_NhwK, whole.weight_NhwK)
    cut = [None if part is None else part[:1, :side, :side] for part in parts]
    chroma = None if whole.chroma_N2hw is None else whole.chroma_N2hw[:1, :, :side, :side]
    targets = Targets(cut[0], cut[1], cut[2], chroma)  # type: ignore[arg-type]
    outputs = 2 if chroma is not None else len(one.system.centers)
    output = torch.randn(1, outputs, side, side, requires_grad=True)
    loss = one.learner.loss(output, targets)  # type: ignore[attr-defined]
    expected = _dense_formula(output.double(), targets, one.learner.loss)  # type: ignore[attr-defined]
    (grad,) = torch.autograd.grad(loss, output)
    (expected_grad,) = torch.autograd.grad(expected, output)
    off = float((grad - expected_grad).abs().max() / expected_grad.abs().max())
    if abs(loss.item() / expected.item() - 1) > 1e-5 or off > 1e-5:
        raise SystemExit(f"epochs: {name}: wrong loss or gradient (off by {off:g})")


def _dense_formula(output: Tensor, targets: Targets, loss: nn.Module) -> Tensor:
    """Mean of v * -sum of z log p, or of half the squared error; no pixel is masked."""
    if targets.chroma_N2hw is not None:
        return (output - targets.chroma_N2hw).square().sum(1).mean() / 2
    index = targets.index_NhwK
    assert index is not None
    weight = targets.weight_NhwK
    weight = torch.full(index.shape, 1 / index.shape[-1]) if weight is None else weight
    z = torch.zeros(*index.shape[:3], output.shape[1], dtype=torch.float64)
    z.scatter_(-1, index.long(), weight.double())
    classes = torch.as_tensor(loss.class_weights_Q).double()
    v = classes[torch.from_numpy(z.numpy().argmax(-1))]  # the lowest of equal ones
    return -((z * F.log_softmax(output.movedim(1, -1), -1)).sum(-1) * v).mean()


def _ratios(seconds: Mapping[str, list[float]]) -> list[harness.Ratio]:
    """What cross entropy costs more than squared error, and shards more than memory."""

    def ratio(label: str, slow: str, fast: str, target: float | None) -> harness.Ratio:
        value = harness.times_faster(seconds[slow], seconds[fast])
        best = harness.at_best(seconds[slow], seconds[fast])
        note = f"{best:.3g} by the fastest round of each"
        return harness.Ratio(label, value, target, at_least=False, note=note)

    goals = ((_QUARTER, "313 soft bins", 1.10), (_FULL, "32 hard bins", 1.05))
    ratios = [
        ratio(f"{head}{bins} / squared error", head + bins, head + "squared error", target)
        for head, bins, target in (*goals, (_FULL, "313 soft bins", 1.5))
    ]
    for head in (_QUARTER, _FULL):
        name = head + "313 soft bins"
        label = f"{name}: from shards / one batch in memory"
        ratios.append(ratio(label, name, name + ", one batch in memory", 1.03))
    for head in (_QUARTER, _FULL):
        name = head + "313 bins encoded on the fly"
        ratios.append(ratio(f"{name} / squared error", name, head + "squared error", None))
    return ratios


def _notes(size: Size) -> list[str]:
    precision = "bfloat16" if devices.has_bfloat16(CPU) else "float32"
    return [
        f"{size.epoch} photos of {size.side} x {size.side} in batches of {size.batch}, flipped at "
        f"random; {THREADS} threads, {precision}. Head 256²: ColorUNet of width {size.width}; head "
        f"64²: MLEU's U-Net of that width without pretrained features, stride 4.",
        "Squared error has a head of 2 channels and reads chroma; cross entropy is weighted by "
        "class and reads encoded bins. Both read shards that the stages wrote.",
        "On the fly: scikit-learn's ball tree, dense targets and torch's log-softmax on the same "
        "network; lightness and chroma lie in memory. A student project's slides had this at 60 "
        "times an epoch of squared error.",
        "What the 313 bins at full resolution cost: the head's convolution and the loss, in a "
        "profile on one thread of the machine of docs/performance.md about half and half.",
    ]


if __name__ == "__main__":
    harness.run_command("epochs", run)
