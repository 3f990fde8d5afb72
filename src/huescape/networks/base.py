"""What every network is: a module that tells which outputs it can have, and on which grid.

Shape suffixes: N photos, H rows, W columns, K classes, Q bins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
        space: the color space whose lightness it takes, or None for any.
        beside: what it gives in training, after its outputs: chroma, in 2 channels more, or None.
    """

    heads: tuple[Head, ...] = ("bins", "chroma")
    multiple: int = 1
    stride: int = 1
    takes_pretrained: bool = False
    pretrained: str | None = None
    classes: int | None = None
    width: int = 64
    space: str | None = None
    beside: Head | None = None

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
        """Pretrained parameters that are trained on, at `optimizer.slow` of the rate.

        A system that the training starts from need not have them.
        """
        return ()

    def apart(self) -> Collection[str]:
        """Names of the tensors that `load_pretrained` fills in and nothing changes.

        They are not saved: a saved network is loaded with them from where they came.
        """
        return ()

    def own_state(self) -> dict[str, Tensor]:
        """The state dict without what stands `apart`: what is saved."""
        apart = frozenset(self.apart())
        return {name: x for name, x in self.state_dict().items() if name not in apart}

    def load_own_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `own_state` gave; raises RuntimeError where it does not fit."""
        before = self.state_dict()
        self.load_state_dict({**{name: before[name] for name in self.apart()}, **state})

    def forward_with_classes(self, input_N1HW: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, and the logits (N, K) of the photo's classes.

        Raises NotImplementedError where `classes` is None.
        """
        raise NotImplementedError
