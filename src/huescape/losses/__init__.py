"""The losses, one a file; `build_loss` makes one by name.

A loss is `losses/<name>.py`, or `loss.py` beside the preset of the same name: one class that
extends `Loss`.

Shape suffixes: Q bins, 2 chroma channels.
"""

from torch import Tensor

from huescape.losses.base import Bins, Loss
from huescape.losses.targets import Targets
from huescape.params.base import Named
from huescape.params.registry import Registry

__all__ = ["LOSSES", "Bins", "Loss", "Targets", "build_loss"]

LOSSES: Registry[Loss] = Registry(
    Loss,
    "losses",
    "loss.name",
    parts=frozenset({"base", "options", "pixel_blocks", "targets"}),
    own="loss.py",
)


def build_loss(
    loss: Named, class_weights_Q: Tensor | None, centers_Q2: Tensor, chroma_scale: float = 1.0
) -> Loss:
    """The loss that is named: forward(output_NChw, targets) -> scalar.

    Args:
        class_weights_Q: weight of each bin, mean 1 under the prior; None where `loss` does not
            weigh classes (it is left out there in any case).
        centers_Q2: the bins in normalized chroma (divided by the space's `chroma_scale`).
        chroma_scale: that unit, in the space's own.
    Raises:
        ParamsError: an unknown name, an option that is not allowed, or class weights that are
            missing or not one for each bin.
    """
    return LOSSES.build(loss.name, loss.options, Bins(centers_Q2, class_weights_Q, chroma_scale))
