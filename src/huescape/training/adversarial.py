"""How ChromaGAN learns: a generator against a critic, with a classifier as teacher.

Shape suffixes: N photos, 1 and 2 channels of lightness and chroma, C channels, K classes, H rows,
W columns of the input; h, w rows and columns of the targets, R, S of the critic's scores.

Vitoria, Raad & Ballester (WACV 2020), with D the critic, G the generator and V the teacher:

    generator: mse + class_share * KL(V || G's classes) + adversarial_share * -mean D(G)
    critic:    mean D(G) - mean D(true) + penalty * mean (|grad sum D(between)| - 1)^2

Readings, after the released code where the paper is silent:

- Chroma enters every term as chroma / 2 + 1/2, in [0, 1] as the published sigmoid's output is
  (where 1 is 255 Lab units and here 220, so that there the other terms weigh 1.34 times as much):
  the shares, 0.003 and 0.1, weigh the terms against an error in these units. Lightness is in [0, 1]
  too.
- The divergence is from the teacher to the generator, sum V log(V / G), and the mean over photos.
- The penalty's gradient (Gulrajani et al. 2017) is that of the *sum* of a photo's scores with
  respect to its chroma alone, while the distance is between means: with 28 x 28 scores the
  adversarial term is 784 times as weak as the textbook's, and the share of 0.1 is meant for that.
- One critic step per generator step. Here the critic goes first and both use the same colors, which
  saves a pass through the generator; the released code has the same order, begun half a turn later.

Padding has no error, and the critic sees neutral chroma there, in true and in false colors alike.
The critic stays in float32 under autocast: the penalty needs second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape.base.errors import HuescapeError
from huescape.losses.base import full_precision
from huescape.losses.targets import Targets
from huescape.networks import Network
from huescape.networks.critic import Critic
from huescape.networks.pretrained import build_classifier
from huescape.params import losses
from huescape.params.systems import SystemParams
from huescape.training import devices
from huescape.training.batches import Batch
from huescape.training.optimizers import build_optimizer, set_learning_rate

# First words of the seeds, beside those of the batches.
_CRITIC, _BETWEEN = 11, 12
_TEACHER_SIDE = 64


class AdversarialLearner:
    """One update of the generator and one of its critic a step; see the module's text.

    Everything random is a function of the seed and the step, so a run that goes on from
    `state_dict` takes the same steps as one that was never interrupted. `teacher` maps normalized
    lightness (N, 1, H, W) to logits (N, K); by default it is the classifier that
    `params.loss.teacher` names, and there is none where `class_share` is 0. The critic has the
    width of the generator.

    `columns` names what `step` returns: the generator's whole loss and the norm of its gradient;
    its three terms without their shares; the critic's distance, negative once it tells true colors
    from false ones, and the penalty without its weight.

    Raises HuescapeError when `params.loss` is another loss, the generator has no class head, or the
    teacher has another number of classes.
    """

    columns = (
        *("loss", "grad_norm", "mse", "class_loss", "adversarial"),
        *("critic", "penalty"),
    )

    def __init__(
        self,
        generator: Network,
        params: SystemParams,
        device: torch.device,
        teacher: nn.Module | None = None,
    ) -> None:
        if not isinstance(params.loss, losses.ChromaGan):
            raise HuescapeError(f"loss.name is {params.loss.name!r}; allowed here: 'chromagan'")
        if generator.classes is None:
            name = params.network.name
            raise HuescapeError(f"network {name!r} has no classes, which loss 'chromagan' needs")
        self.generator = generator.to(device)
        self.params, self.terms, self.device = params, params.loss, device
        self.critic = _build_critic(self.generator.width, params.seed).to(device)
        self.teacher = self._hire(teacher)
        self._optimizers = {
            "generator": build_optimizer(params.optimizer, self.generator),
            "critic": build_optimizer(params.optimizer, self.critic),
        }
        self._done = 0

    def step(self, batch: Batch, progress: float) -> Tensor:
        """One update of both networks; the values of `columns`, float32, on the device."""
        self.generator.train()
        for optimizer in self._optimizers.values():
            set_learning_rate(optimizer, self.params.optimizer, progress)
        chroma_N2hw, logits_NK = self._color(batch)
        critic_values = self._update_critic(batch, chroma_N2hw.detach())
        generator_values = self._update_generator(batch, chroma_N2hw, logits_NK)
        self._done += 1
        return torch.stack((*generator_values, *critic_values)).float()

    def validation_loss(self, batch: Batch) -> Tensor:
        """The squared error and the class term; the critic is no yardstick, it moves."""
        chroma_N2hw, logits_NK = self._color(batch)
        error = squared_error(chroma_N2hw, batch.targets)
        return error + self.terms.class_share * self._class_loss(batch, logits_NK)

    def state_dict(self) -> dict[str, Any]:
        """Both networks, both optimizers, and the number of steps taken."""
        state: dict[str, Any] = {name: o.state_dict() for name, o in self._optimizers.items()}
        return {
            "generator": self.generator.state_dict(),
            "critic": self.critic.state_dict(),
            "optimizers": state,
            "steps": self._done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.generator.load_state_dict(state["generator"])
        self.critic.load_state_dict(state["critic"])
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self._done = int(state["steps"])

    def _hire(self, teacher: nn.Module | None) -> nn.Module | None:
        """The teacher on the device, frozen; checks its number of classes with a gray photo."""
        if not self.terms.class_share:
            return None
        found = (teacher or build_classifier(self.terms.teacher)).to(self.device).eval()
        found.requires_grad_(False)
        gray_11HW = torch.zeros(1, 1, _TEACHER_SIDE, _TEACHER_SIDE, device=self.device)
        with torch.no_grad():
            classes = found(gray_11HW).shape[1]
        if classes != self.generator.classes:
            raise HuescapeError(
                f"network.classes is {self.generator.classes}; "
                f"allowed with loss.teacher {self.terms.teacher!r}: {classes}"
            )
        return found

    def _color(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Chroma (N, 2, h, w) and class logits (N, K), float32 at least."""
        with devices.autocast(self.device, self.params.precision):
            chroma_N2hw, logits_NK = self.generator.forward_with_classes(batch.input_N1HW)
        return full_precision(chroma_N2hw), full_precision(logits_NK)

    def _class_loss(self, batch: Batch, logits_NK: Tensor) -> Tensor:
        if self.teacher is None:
            return logits_NK.new_zeros(())
        with torch.no_grad(), devices.autocast(self.device, self.params.precision):
            taught_NK = self.teacher(batch.input_N1HW)
        return class_divergence(logits_NK, taught_NK.to(logits_NK.dtype))

    def _update_critic(self, batch: Batch, chroma_N2hw: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the critic; its distance and penalty."""
        score, true_N2hw = self._judge(batch), batch.targets.chroma(chroma_N2hw.dtype)
        distance = score(chroma_N2hw).mean() - score(true_N2hw).mean()
        rng = np.random.default_rng([_BETWEEN, self.params.seed, self._done])
        share_N = torch.from_numpy(rng.random(len(true_N2hw))).to(true_N2hw.dtype)
        if self.device.type == "cuda":  # from pageable memory, the copy would wait for the device
            share_N = share_N.pin_memory()
        penalty = gradient_penalty(score, true_N2hw, chroma_N2hw, share_N)
        _descend(self._optimizers["critic"], distance + self.terms.penalty * penalty)
        return distance.detach(), penalty.detach()

    def _update_generator(
        self, batch: Batch, chroma_N2hw: Tensor, logits_NK: Tensor
    ) -> tuple[Tensor, ...]:
        """One step of the generator; its loss, the norm of its gradient and its three terms."""
        error = squared_error(chroma_N2hw, batch.targets)
        classes = self._class_loss(batch, logits_NK)
        # The critic only passes gradients on here; its own would be computed for nothing.
        self.critic.requires_grad_(False)
        adversarial = -self._judge(batch)(chroma_N2hw).mean()
        self.critic.requires_grad_(True)
        shares = self.terms
        loss = error + shares.class_share * classes + shares.adversarial_share * adversarial
        _descend(self._optimizers["generator"], loss)
        grads = [p.grad for p in self.generator.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(grads)
        return loss.detach(), norm, error.detach(), classes.detach(), adversarial.detach()

    def _judge(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        """The critic's scores (N, 1, R, S) of normalized chroma for this batch's photos."""
        mask_Nhw = batch.targets.mask_Nhw
        step = batch.input_N1HW.shape[-1] // mask_Nhw.shape[-1]
        # The points of the targets, as the shards define them.
        lightness_N1hw = batch.input_N1HW[..., step // 2 :: step, step // 2 :: step] + 0.5
        mask_N1hw = mask_Nhw[:, None]

        def score(chroma_N2hw: Tensor) -> Tensor:
            visible_N2hw = chroma_N2hw.masked_fill(~mask_N1hw, 0.0)
            scores_N1RS: Tensor = self.critic(lightness_N1hw, (visible_N2hw + 1) / 2)
            return scores_N1RS

        return score


def squared_error(chroma_N2hw: Tensor, targets: Targets) -> Tensor:
    """Mean squared error of chroma / 2 over unmasked pixels and both channels; 0 without any."""
    mask_N1hw = targets.mask_Nhw[:, None]
    error_N2hw = (chroma_N2hw - targets.chroma(chroma_N2hw.dtype)) / 2
    total = error_N2hw.square().masked_fill(~mask_N1hw, 0.0).sum()
    return total / (2 * mask_N1hw.sum()).clamp(min=1)


def class_divergence(logits_NK: Tensor, taught_NK: Tensor) -> Tensor:
    """Mean over photos of KL(softmax(taught) || softmax(logits)), in nats."""
    found_NK, wanted_NK = F.log_softmax(logits_NK, 1), F.log_softmax(taught_NK, 1)
    return F.kl_div(found_NK, wanted_NK, reduction="batchmean", log_target=True)


def gradient_penalty(
    score: Callable[[Tensor], Tensor], true_N2hw: Tensor, false_N2hw: Tensor, share_N: Tensor
) -> Tensor:
    """Mean over photos of (|gradient| - 1)^2 at `share` true + (1 - share) false colors.

    The gradient is that of the sum of the photo's scores by its chroma in units of [0, 1], twice
    that by normalized chroma. Can be differentiated by the critic's parameters.
    """
    share_N111 = share_N.to(true_N2hw, non_blocking=True)[:, None, None, None]
    between_N2hw = (share_N111 * true_N2hw + (1 - share_N111) * false_N2hw).detach()
    between_N2hw.requires_grad_(True)
    total = score(between_N2hw).sum()
    (gradient_N2hw,) = torch.autograd.grad(total, between_N2hw, create_graph=True)
    # vector_norm has derivative 0 at 0, where a photo of nothing but padding is.
    norm_N: Tensor = torch.linalg.vector_norm(2 * gradient_N2hw.flatten(1), dim=1)
    return (norm_N - 1).square().mean()


def _build_critic(width: int, seed: int) -> Critic:
    """A critic whose weights depend on the seed alone, and not as the generator's do."""
    own_seed = int(np.random.SeedSequence([_CRITIC, seed]).generate_state(1)[0])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(own_seed)
        critic = Critic(width)
    critic.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return critic


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
