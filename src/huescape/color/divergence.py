"""How far two distributions over bins are apart, in bits, along the last axis.

Shape suffixes: x any axes, Q bins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


def entropy(p_Q: FloatArray) -> float:
    """-sum p log2 p of a distribution, 0 (one bin) to log2 Q (all alike)."""
    mass_Q = p_Q[p_Q > 0]
    return float(-(mass_Q * np.log2(mass_Q)).sum()) + 0.0


def kullback_leibler(p_xQ: FloatArray, q_xQ: FloatArray) -> FloatArray:
    """sum p log2(p / q), 0 or more, shape (x); infinite where q lacks a bin that p has."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms_xQ = np.where(p_xQ > 0, p_xQ * (np.log2(p_xQ) - np.log2(q_xQ)), 0)
    total: FloatArray = np.maximum(terms_xQ.sum(axis=-1), 0)
    return total


def jensen_shannon(p_xQ: FloatArray, q_xQ: FloatArray) -> FloatArray:
    """Mean divergence of both from their mean, shape (x); 0 (alike) to 1 (no bin in common)."""
    middle_xQ = (p_xQ + q_xQ) / 2
    return (kullback_leibler(p_xQ, middle_xQ) + kullback_leibler(q_xQ, middle_xQ)) / 2
