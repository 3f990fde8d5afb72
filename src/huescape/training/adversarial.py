"""How ChromaGAN learns: a generator against a critic, with a classifier as teacher.

Shape suffixes: N photos, 1 and 2 channels of lightness and chroma, C channels, K classes, H rows,
W columns of the input; h, w rows and columns of the targets, R, S of the critic's scores.

The terms are those of `losses.chromagan`. One critic step per generator step: here the critic goes
first and both use the same colors, which saves a pass through the generator; in the released code
the generator goes first, and the critic's step on the same photos is with its new colors.

Padding has no error, and the critic sees neutral chroma there, in true and in false colors alike.
The critic stays in float32 under autocast: the penalty needs second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from huescape.base.errors import HuescapeError
from huescape.losses.base import full_precision
from huescape.losses.chromagan import ChromaGanLoss, class_divergence, gradient_penalty
from huescape.networks import Network
from huescape.networks.critic import Critic
from huescape.networks.pretrained import build_classifier, class_count
from huescape.training import processes
from huescape.training.batches import Batch
from huescape.training.descent import Descent
from huescape.training.learners import Autocast

# First words of the seeds, beside those of the batches.
_CRITIC, _BETWEEN = 11, 12


class AdversarialLearner:
    """One update of the generator and one of its critic a step; see the module's text.

    Everything random is a function of the seed and the step, so a run that goes on from
    `state_dict` takes the same steps as one that was never interrupted. `teacher` maps normalized
    lightness (N, 1, H, W) to logits (N, K) (see `build_teacher`); with None, the class term is 0.
    Generator, critic, teacher and loss are on one device.

    `columns` names what `step` returns: the generator's whole loss and the norm of its gradient;
    its three terms without their shares; the critic's distance, negative once it tells true colors
    from false ones, and the penalty without its weight.
    """

    columns = (
        *("loss", "grad_norm", "mse", "class_loss", "adversarial"),
        *("critic", "penalty"),
    )

    def __init__(
        self,
        generator: Network,
        critic: Critic,
        teacher: nn.Module | None,
        loss: ChromaGanLoss,
        descents: tuple[Descent, Descent],
        autocast: Autocast,
        seed: int,
    ) -> None:
        self.network, self.critic, self.teacher, self.loss = generator, critic, teacher, loss
        self._descents = dict(zip(("generator", "critic"), descents, strict=True))
        self.autocast, self._seed = autocast, seed
        self._done = 0
        self._running: nn.Module = _Coloring(generator)
        self._judging: nn.Module = critic

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update of both networks; the values of `columns`, float32, on the device."""
        self.network.train()
        chroma_N2hw, logits_NK = self._color(batch, self._running)
        critic_values = self._update_critic(batch, chroma_N2hw.detach(), progress)
        generator_values = self._update_generator(batch, chroma_N2hw, logits_NK, progress)
        self._done += 1
        return torch.stack((*generator_values, *critic_values)).float()

    def validation_loss(self, batch: Batch) -> Tensor:
        """The squared error and the class term; the critic is no yardstick, it moves."""
        chroma_N2hw, logits_NK = self._color(batch, _Coloring(self.network))
        error: Tensor = self.loss(chroma_N2hw, batch.targets)
        return error + self.loss.class_share * self._class_loss(batch, logits_NK)

    def averaged(self) -> AbstractContextManager[None]:
        """Within, the generator has its averaged weights, if there are any."""
        return self._descents["generator"].averaged()

    def spread(self) -> None:
        """From now on, take steps together with other processes."""
        self._running = processes.spread(self._running, some_unused=self.teacher is None)
        self._judging = processes.spread(self.critic)

    def finish(self) -> None:
        """Leave the generator its averaged weights, if there are any."""
        self._descents["generator"].finish()

    def state_dict(self) -> dict[str, Any]:
        """Both networks, both optimizers, and the number of steps taken."""
        return {
            "generator": self.network.state_dict(),
            "critic": self.critic.state_dict(),
            "descents": {n: d.state_dict() for n, d in self._descents.items()},
            "steps": self._done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.network.load_state_dict(state["generator"])
        self.critic.load_state_dict(state["critic"])
        for name, descent in self._descents.items():
            descent.load_state_dict(state["descents"][name])
        self._done = int(state["steps"])

    def _color(self, batch: Batch, running: nn.Module) -> tuple[Tensor, Tensor]:
        """Chroma (N, 2, h, w) and class logits (N, K), float32 at least."""
        with self.autocast():
            chroma_N2hw, logits_NK = running(batch.input_N1HW)
        return full_precision(chroma_N2hw), full_precision(logits_NK)

    def _class_loss(self, batch: Batch, logits_NK: Tensor) -> Tensor:
        if self.teacher is None:
            return logits_NK.new_zeros(())
        with torch.no_grad(), self.autocast():
            taught_NK = self.teacher(batch.input_N1HW)
        return class_divergence(logits_NK, taught_NK.to(logits_NK.dtype))

    def _update_critic(
        self, batch: Batch, chroma_N2hw: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """One step of the critic; its distance and penalty."""
        score = self._judge(batch, self._judging)
        true_N2hw, part = batch.targets.chroma(chroma_N2hw.dtype), _part(batch)
        distance = part.mean(score(chroma_N2hw).mean() - score(true_N2hw).mean())
        rng = np.random.default_rng([_BETWEEN, self._seed, self._done])
        share_N = torch.from_numpy(rng.random(part.photos)[part.own]).to(true_N2hw.dtype)
        if true_N2hw.device.type == "cuda":  # from pageable memory, the copy would wait for it
            share_N = share_N.pin_memory()
        penalty = part.mean(
            gradient_penalty(score, true_N2hw, chroma_N2hw, share_N, self.loss.span)
        )
        loss = distance + self.loss.penalty * penalty
        self._descents["critic"].descend(loss, progress)
        return distance.detach(), penalty.detach()

    def _update_generator(
        self, batch: Batch, chroma_N2hw: Tensor, logits_NK: Tensor, progress: float
    ) -> tuple[Tensor, ...]:
        """One step of the generator; its loss, the norm of its gradient and its three terms."""
        part = _part(batch)
        error = processes.scaled(self.loss(chroma_N2hw, batch.targets))
        classes = part.mean(self._class_loss(batch, logits_NK))
        # The critic only passes gradients on here; its own would be computed for nothing.
        self.critic.requires_grad_(False)
        adversarial = -part.mean(self._judge(batch, self.critic)(chroma_N2hw).mean())
        self.critic.requires_grad_(True)
        shares = self.loss
        loss = error + shares.class_share * classes + shares.adversarial_share * adversarial
        norm = self._descents["generator"].descend(loss, progress)
        return loss.detach(), norm, error.detach(), classes.detach(), adversarial.detach()

    def _judge(self, batch: Batch, critic: nn.Module) -> Callable[[Tensor], Tensor]:
        """A critic's scores (N, 1, R, S) of normalized chroma for this batch's photos."""
        mask_Nhw = batch.targets.mask_Nhw
        step = batch.input_N1HW.shape[-1] // mask_Nhw.shape[-1]
        # The points of the targets, as the shards define them.
        lightness_N1hw = batch.input_N1HW[..., step // 2 :: step, step // 2 :: step] + 0.5
        mask_N1hw = mask_Nhw[:, None]

        def score(chroma_N2hw: Tensor) -> Tensor:
            visible_N2hw = chroma_N2hw.masked_fill(~mask_N1hw, 0.0)
            scores_N1RS: Tensor = critic(lightness_N1hw, visible_N2hw / self.loss.span + 0.5)
            return scores_N1RS

        return score


class _Coloring(nn.Module):
    """A generator as a module that gives its classes, too."""

    def __init__(self, generator: Network) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, input_N1HW: Tensor) -> tuple[Tensor, Tensor]:
        return self.generator.forward_with_classes(input_N1HW)


@dataclass(frozen=True)
class _Part:
    """Which of the `photos` of a batch are this process's own."""

    photos: int
    own: slice

    def mean(self, own: Tensor) -> Tensor:
        """A mean over the own photos, as what it is in the whole (see `processes.scaled`)."""
        share = (self.own.stop - self.own.start) / self.photos
        return own if share == 1 else processes.scaled(own * share)


def _part(batch: Batch) -> _Part:
    photos = len(batch.targets.batch_Mhw)
    return _Part(photos, processes.part(photos) or slice(0, photos))


def build_critic(width: int, slope: float, seed: int) -> Critic:
    """A critic whose weights depend on the seed alone, and not as the generator's do."""
    own_seed = int(np.random.SeedSequence([_CRITIC, seed]).generate_state(1)[0])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(own_seed)
        critic = Critic(width, slope)
    critic.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return critic


def build_teacher(
    loss: ChromaGanLoss, classes: int | None, teacher: nn.Module | None = None
) -> nn.Module | None:
    """The classifier that `loss.teacher` names, or another `teacher`, frozen; None for no share.

    Raises HuescapeError when the network has no classes or the teacher another number of them.
    """
    if classes is None:
        raise HuescapeError("loss 'chromagan' needs a network with classes, as 'chromagan' has")
    if not loss.class_share:
        return None
    found = (teacher or build_classifier(loss.teacher, loss.teacher_normalized)).eval()
    found.requires_grad_(False)
    taught = class_count(found)
    if taught != classes:
        raise HuescapeError(
            f"network.classes is {classes}; allowed with loss.teacher {loss.teacher!r}: {taught}"
        )
    return found
