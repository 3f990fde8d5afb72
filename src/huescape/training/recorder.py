"""What the training loop tells whoever watches it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Recorder(Protocol):
    """Takes numbers and pictures while training; must return at once and never raise."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Numbers after `step` steps."""

    def picture(self, name: str, step: int, rgb: npt.NDArray[np.uint8]) -> None:
        """A picture (H, W, 3) after `step` steps."""


class Silent:
    """A recorder that nobody reads."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Nothing."""

    def picture(self, name: str, step: int, rgb: npt.NDArray[Any]) -> None:
        """Nothing."""
