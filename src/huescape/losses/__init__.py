"""The losses, by name; each is a module of an output and `Targets`, and returns a scalar.

Shape suffixes: Q bins, 2 chroma channels.
"""

from torch import Tensor, nn

from huescape.base.errors import ParamsError
from huescape.losses.block import BlockLoss
from huescape.losses.cross_entropy import CrossEntropyLoss
from huescape.losses.focal import ExactFocalLoss, FocalLoss
from huescape.losses.regression import SquaredErrorLoss
from huescape.losses.targets import Targets
from huescape.params.losses import L2, Block, CrossEntropy, ExactFocal, Focal, LossParams

__all__ = ["Targets", "build_loss"]


def build_loss(params: LossParams, class_weights_Q: Tensor | None, centers_Q2: Tensor) -> nn.Module:
    """The loss of `params`: forward(output_NChw, targets) -> scalar mean over unmasked pixels.

    Args:
        class_weights_Q: weight of each bin, mean 1 under the prior; None where `params` does not
            weigh classes (it is left out there in any case).
        centers_Q2: the bins in normalized chroma (divided by the space's `chroma_scale`).
    Raises:
        ParamsError: a loss that is no function of one output and its targets (chromagan), or
            class weights that are missing or not one for each bin.
    """
    if isinstance(params, L2):
        return SquaredErrorLoss(None, centers_Q2)
    if not isinstance(params, CrossEntropy | Focal | ExactFocal | Block):
        raise ParamsError(f"loss {params.name!r} needs a critic: it has a learner of its own")
    weights_Q = class_weights_Q if params.weighted else None
    if params.weighted and (weights_Q is None or len(weights_Q) != len(centers_Q2)):
        given = "none" if weights_Q is None else str(len(weights_Q))
        raise ParamsError(f"loss.weighted needs {len(centers_Q2)} class weights; given: {given}")
    match params:
        case CrossEntropy():
            return CrossEntropyLoss(weights_Q, centers_Q2)
        case Focal(alpha=alpha, beta=beta):
            return FocalLoss(weights_Q, centers_Q2, alpha=alpha, beta=beta)
        case ExactFocal(gamma=gamma):
            return ExactFocalLoss(weights_Q, centers_Q2, gamma=gamma)
        case Block(side=side, share=share):
            return BlockLoss(weights_Q, centers_Q2, side=side, share=share)
