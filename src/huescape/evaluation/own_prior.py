"""A person's own prior of the scoring bins, as ImageNet's that came with the released code."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.params.reports import OwnPrior


def read_own_prior(own: OwnPrior, bins: int) -> npt.NDArray[np.float64]:
    """The probabilities of the bins, (Q,) float64, sum 1.

    Raises HuescapeError for a file that is not there, is not the one whose SHA-256 stands in
    params.yaml, or holds no `bins` numbers from 0 up that are not all 0.
    """
    path = Path(own.path)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise HuescapeError(f"evaluate.rebalance.path: {path}: cannot be read: {reason}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != own.sha256:
        raise HuescapeError(
            f"evaluate.rebalance.sha256: {path} has {found}; allowed: {own.sha256}, as it says"
        )
    prior_Q = _numbers(path, content)
    if prior_Q.shape != (bins,) or not _is_mass(prior_Q):
        raise HuescapeError(
            f"evaluate.rebalance.path: {path}: has shape {prior_Q.shape}; allowed: {bins} numbers "
            "from 0 up that are not all 0, one for each bin of evaluate.prior"
        )
    return np.asarray(prior_Q / prior_Q.sum())


def _numbers(path: Path, content: bytes) -> npt.NDArray[np.float64]:
    try:
        array: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        return np.asarray(array, np.float64).reshape(-1)
    except (OSError, ValueError, TypeError, EOFError) as error:
        line = f"evaluate.rebalance.path: {path}: is no readable .npy file of numbers"
        raise HuescapeError(line) from error


def _is_mass(prior_Q: npt.NDArray[np.float64]) -> bool:
    return bool(np.isfinite(prior_Q).all() and (prior_Q >= 0).all() and prior_Q.sum() > 0)
