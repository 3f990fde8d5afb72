"""How far two distributions over bins are apart, in bits.

Shape suffix: Q bins.
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


def kullback_leibler(p_Q: FloatArray, q_Q: FloatArray) -> float:
    """sum p log2(p / q), 0 or more; infinite where q lacks a bin that p has."""
    here_Q = p_Q > 0
    with np.errstate(divide="ignore"):
        terms = p_Q[here_Q] * (np.log2(p_Q[here_Q]) - np.log2(q_Q[here_Q]))
    return max(float(terms.sum()), 0.0)


def jensen_shannon(p_Q: FloatArray, q_Q: FloatArray) -> float:
    """The mean divergence of both from their mean, 0 (alike) to 1 (no bin in common)."""
    middle_Q = (p_Q + q_Q) / 2
    return (kullback_leibler(p_Q, middle_Q) + kullback_leibler(q_Q, middle_Q)) / 2
