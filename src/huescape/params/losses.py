"""Section `systems.<name>.loss`: a loss by name, with its options."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from huescape.params.base import Section


class CrossEntropy(Section):
    """Multinomial cross entropy (Zhang et al. 2016); `weighted` turns class rebalancing on."""

    name: Literal["cross_entropy"]
    weighted: bool = True


class Focal(Section):
    """The student project's focal loss: each pixel's loss times 1 / (1 + alpha exp(-beta t)).

    t is the pixel's loss divided by the largest of the batch.
    """

    name: Literal["focal"]
    weighted: bool = True
    alpha: float = Field(default=10.0, ge=0)
    beta: float = Field(default=10.0, ge=0)


class ExactFocal(Section):
    """Focal loss (Lin et al. 2017) extended to soft targets: (1 - p)^gamma on each log p."""

    name: Literal["exact_focal"]
    weighted: bool = True
    gamma: float = Field(default=2.0, ge=0)


class Block(Section):
    """Cross entropy, plus `share` times the squared distance of mean colors of blocks.

    A block has `side` x `side` targets.
    """

    name: Literal["block"]
    weighted: bool = True
    side: int = Field(default=8, ge=1)
    share: float = Field(default=1.0, ge=0)


class L2(Section):
    """Half the squared distance to the true chroma (Zhang et al. 2016, equation 1)."""

    name: Literal["l2"]


class ChromaGan(Section):
    """ChromaGAN (Vitoria et al. 2020): squared error + classes + Wasserstein critic.

    `class_share` and `adversarial_share` weigh the last two terms; `penalty` is the weight of the
    critic's gradient penalty; `teacher` names the classifier whose classes are the second target.
    """

    name: Literal["chromagan"]
    class_share: float = Field(default=0.003, ge=0)
    adversarial_share: float = Field(default=0.1, ge=0)
    penalty: float = Field(default=10.0, ge=0)
    teacher: str = "efficientnet_lite0"


LossParams = Annotated[
    CrossEntropy | Focal | ExactFocal | Block | L2 | ChromaGan, Field(discriminator="name")
]
Head = Literal["bins", "chroma"]


def head_of(loss: CrossEntropy | Focal | ExactFocal | Block | L2 | ChromaGan) -> Head:
    """What the loss compares: distributions over bins, or chroma."""
    return "chroma" if isinstance(loss, L2 | ChromaGan) else "bins"
