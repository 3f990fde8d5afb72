"""The terms of ChromaGAN's loss; the critic that two of them need is trained beside the network.

Shape suffixes: N photos, 2 channels of chroma, h, w rows and columns of the targets, K classes.

Vitoria, Raad & Ballester (WACV 2020), with D the critic, G the generator and V the teacher:

    generator: mse + class_share * KL(V || G's classes) + adversarial_share * -mean D(G)
    critic:    mean D(G) - mean D(true) + penalty * mean (|grad sum D(between)| - 1)^2

Readings, after the released code where the paper is silent:

- Chroma enters every term as chroma / span + 1/2, in [0, 1] as the published sigmoid's output is,
  where 1 is 255 Lab units, 2.318 times the 110 of normalized chroma: the shares, 0.003 and 0.1,
  weigh the terms against an error in these units. Lightness is in [0, 1] too.
- The teacher sees lightness in [0, 1] as it is, three times, though it was trained on normalized
  photos; so it is released.
- The divergence is from the teacher to the generator, sum V log(V / G), and the mean over photos.
- The penalty's gradient (Gulrajani et al. 2017) is that of the *sum* of a photo's scores with
  respect to its chroma alone, while the distance is between means: with 28 x 28 scores the
  adversarial term is 784 times as weak as the textbook's, and the share of 0.1 is meant for that.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from huescape.losses.base import Bins, Loss, full_precision
from huescape.losses.options import Factor, Span
from huescape.losses.targets import Targets


class ChromaGanLoss(Loss):
    """ChromaGAN (Vitoria et al. 2020): squared error + classes + Wasserstein critic.

    `class_share` and `adversarial_share` weigh the last two terms; `penalty` is the weight of the
    critic's gradient penalty; `teacher` names the classifier whose classes are the second target,
    and `teacher_normalized` shows it lightness in the statistics of its training; `span` is what of
    normalized chroma is 1 in all terms; `critic_slope` is that of the critic's leaky ReLU.
    """

    head = "chroma"
    scattered = False

    def __init__(
        self,
        bins: Bins,
        class_share: Factor = 0.003,
        adversarial_share: Factor = 0.1,
        penalty: Factor = 10.0,
        teacher: str = "efficientnet_lite0",
        teacher_normalized: bool = False,
        span: Span = 2.318,
        critic_slope: Factor = 0.3,
    ) -> None:
        super().__init__(bins)
        self.class_share, self.adversarial_share = class_share, adversarial_share
        self.penalty, self.span, self.critic_slope = penalty, span, critic_slope
        self.teacher, self.teacher_normalized = teacher, teacher_normalized

    def forward(self, chroma_N2hw: Tensor, targets: Targets) -> Tensor:
        """The first term alone: mean squared error of chroma / span, over both channels.

        A scalar, 0 when every pixel is masked.
        """
        mask_N1hw = targets.mask_Nhw[:, None]
        chroma_N2hw = full_precision(chroma_N2hw)
        error_N2hw = (chroma_N2hw - targets.chroma(chroma_N2hw.dtype)) / self.span
        total = error_N2hw.square().masked_fill(~mask_N1hw, 0.0).sum()
        return total / (2 * targets.batch_Mhw.sum()).clamp(min=1)


def class_divergence(logits_NK: Tensor, taught_NK: Tensor) -> Tensor:
    """Mean over photos of KL(softmax(taught) || softmax(logits)), in nats."""
    found_NK, wanted_NK = F.log_softmax(logits_NK, 1), F.log_softmax(taught_NK, 1)
    return F.kl_div(found_NK, wanted_NK, reduction="batchmean", log_target=True)


def gradient_penalty(
    score: Callable[[Tensor], Tensor],
    true_N2hw: Tensor,
    false_N2hw: Tensor,
    share_N: Tensor,
    span: float,
) -> Tensor:
    """Mean over photos of (|gradient| - 1)^2 at `share` true + (1 - share) false colors.

    The gradient is that of the sum of the photo's scores by its chroma in units of [0, 1], `span`
    times that by normalized chroma. Can be differentiated by the critic's parameters.
    """
    share_N111 = share_N.to(true_N2hw, non_blocking=True)[:, None, None, None]
    between_N2hw = (share_N111 * true_N2hw + (1 - share_N111) * false_N2hw).detach()
    between_N2hw.requires_grad_(True)
    total = score(between_N2hw).sum()
    (gradient_N2hw,) = torch.autograd.grad(total, between_N2hw, create_graph=True)
    # vector_norm has derivative 0 at 0, where a photo of nothing but padding is.
    norm_N: Tensor = torch.linalg.vector_norm(span * gradient_N2hw.flatten(1), dim=1)
    return (norm_N - 1).square().mean()
