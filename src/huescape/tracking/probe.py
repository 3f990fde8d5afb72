"""What a model takes and gives, found out by one prediction."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

EXAMPLE_SIDE = 32


def example() -> npt.NDArray[np.float32]:
    """A ramp of normalized lightness: (1, 1, 32, 32), in [-1, 1]."""
    side = EXAMPLE_SIDE
    return np.linspace(-1.0, 1.0, side * side, dtype=np.float32).reshape(1, 1, side, side)


def scores_of(folder: Path, loader: str) -> dict[str, Any]:
    """`channels` and `dtype` of what the model in `folder` predicts for the example.

    `loader` names a module with MLflow's `_load_pyfunc(path)`. Not for a background thread:
    building a network draws from torch's global generator, which may belong to a training.
    """
    predictor = importlib.import_module(loader)._load_pyfunc(str(folder))
    scores_NQHW = np.asarray(predictor.predict(example()))
    return {"channels": int(scores_NQHW.shape[1]), "dtype": scores_NQHW.dtype.name}
