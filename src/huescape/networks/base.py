"""What every network is: a module that tells which outputs it can have, and on which grid.

Shape suffixes: N photos, H rows, W columns, K classes, Q bins.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

from huescape.base.errors import HuescapeError
from huescape.params.base import Head


class Network(nn.Module):
    """Normalized lightness (N, 1, H, W) to (N, outputs, H / stride, W / stride).

    `outputs` is the first argument of the constructor; all others are options.

    Attributes:
        heads: kinds of output it can have.
        multiple: height and width of the input must be multiples of it.
        stride: the input's resolution divided by the output's.
        takes_pretrained: whether it can start from pretrained weights.
        pretrained: the name of those, or None.
        classes: number of classes of `forward_with_classes`, or None.
        width: channels of its first level; those of a critic's too.
    """

    heads: tuple[Head, ...] = ("bins", "chroma")
    multiple: int = 1
    stride: int = 1
    takes_pretrained: bool = False
    pretrained: str | None = None
    classes: int | None = None
    width: int = 64

    def load_pretrained(self) -> None:
        """Fill in the pretrained weights, if there are any.

        Raises HuescapeError for weights that are missing, damaged, or do not fit.
        """

    def load_released(self, path: Path, centers_Q2: Tensor | None = None) -> None:
        """Fill in the weights that the network's authors released, from a file of the user's own.

        `centers_Q2` are the system's bins, in the space's own units, once they are made. Raises
        HuescapeError for a file that does not fit, and where none is known.
        """
        raise HuescapeError("no released weights of this network are known")

    def slow_part(self) -> Iterable[nn.Parameter]:
        """Trained parameters whose rate is multiplied by `optimizer.slow`; most have none."""
        return ()

    def forward_with_classes(self, input_N1HW: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, and the logits (N, K) of the photo's classes.

        Raises NotImplementedError where `classes` is None.
        """
        raise NotImplementedError
