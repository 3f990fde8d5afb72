"""The model as MLflow serves it: MLflow imports this module and calls `_load_pyfunc`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from huescape.systems.system import System, load_system


class ServedSystem:
    """A trained system behind MLflow's `predict`."""

    def __init__(self, system: System) -> None:
        self._system = system

    def predict(self, lightness_N1HW: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scores of the color bins from lightness, as the system's own `predict` takes and gives.

        Lightness is float32 of shape (N, 1, H, W), normalized as the system's space does.
        """
        lightness = torch.from_numpy(np.ascontiguousarray(lightness_N1HW, dtype=np.float32))
        return np.asarray(self._system.predict(lightness), dtype=np.float32)


def _load_pyfunc(path: str) -> ServedSystem:
    return ServedSystem(load_system(Path(path)))
