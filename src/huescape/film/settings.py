"""How a film is colored over time, and how well it is stored: what a person can choose."""

from __future__ import annotations

import math
from dataclasses import dataclass

from huescape.base.errors import ParamsError

MOST_FRAMES = 1000
MOST_CRF = 63


@dataclass(frozen=True)
class Smoothing:
    """The temporal kernel of ColorUNet (Billaut et al. 2018), weights exp(-decay i) of frame t - i.

    Attributes:
        frames: T, how many frames count, the present one included; with `flow`, which forgets by
            `decay` alone, it plays no part.
        decay: alpha, from 0 (a plain mean), and with `flow` above it.
        flow: whether past frames are carried along with what moves (optical flow).
    """

    frames: int = 20
    decay: float = 0.2
    flow: bool = False

    def __post_init__(self) -> None:
        """Raise ParamsError for a number out of range."""
        if not 1 <= self.frames <= MOST_FRAMES:
            raise ParamsError(f"--smoothing-frames is {self.frames}; allowed: 1 to {MOST_FRAMES}")
        if not (math.isfinite(self.decay) and self.decay >= 0):
            raise ParamsError(f"--smoothing-decay is {self.decay:g}; allowed: a number from 0")
        if self.flow and self.decay == 0:
            raise ParamsError("--smoothing-decay is 0; allowed with flow: above 0")


@dataclass(frozen=True)
class Storing:
    """How a colored film is stored.

    Attributes:
        crf: the constant quality of the encoder, in its own units; lower is better, and None near
            the source (`encoders.QUALITIES`).
    """

    crf: int | None = None

    def __post_init__(self) -> None:
        """Raise ParamsError for a number out of range."""
        if self.crf is not None and not 0 <= self.crf <= MOST_CRF:
            raise ParamsError(f"--crf is {self.crf}; allowed: 0 to {MOST_CRF}, lower is better")


USUAL = Smoothing()
