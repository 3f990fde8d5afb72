"""What the distributions of a classifier say of the test photos, at 1 and at a fitted temperature.

Compared are the network's own positions: the pixels stride // 2 + k stride of what it sees, where
targets are sampled, as far as they lie on the photo. The true bin of such a pixel is the nearest of
the system's own, in its own space.

Shape suffixes: Q bins, P positions; h, w rows and columns of the output.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from huescape.base.progress import progress
from huescape.color.encoding import nearest_bin
from huescape.color.priors import floored
from huescape.distributed import group
from huescape.distributed.turns import in_turns
from huescape.evaluation.passes import Seen, example_ids, see, seen_side
from huescape.evaluation.shares import Piece, own_pieces, pieces, turns
from huescape.metrics.calibration import (
    DistributionPart,
    DistributionTotals,
    fitted_temperature,
    prior_bits,
)
from huescape.metrics.distribution_sums import DistributionSums
from huescape.metrics.totals import finite
from huescape.shards import ShardSet
from huescape.systems.system import System

# Of the validation split: at most 200 x 200 positions of 313 logits are 50 MB.
_PHOTOS = _POSITIONS = 200
# Logits (Q, P) and true bins (P,).
Sample = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]


@dataclass(frozen=True)
class PositionSums:
    """What the positions of one photo add.

    Attributes:
        count_Q, likeliest_Q: how many lie in a bin truly, and by the likeliest bin.
        mass_Q: the sum of their distributions.
        plain, fitted: at temperature 1, and at the fitted one where there is one.
    """

    count_Q: npt.NDArray[np.int64]
    likeliest_Q: npt.NDArray[np.int64]
    mass_Q: npt.NDArray[np.float64]
    plain: DistributionPart
    fitted: DistributionPart | None


class Distributions:
    """The totals of a classifier, at temperature 1 and, if not None, at `temperature`."""

    def __init__(self, system: System, temperature: float | None) -> None:
        self._system = system
        self._plain = DistributionTotals()
        self._fitted = None if temperature is None else DistributionTotals(temperature)
        self._count_Q, self._likeliest_Q = np.zeros((2, len(system.centers)), np.int64)
        self._mass_Q: npt.NDArray[np.float64] = np.zeros(len(system.centers))
        self._ids: list[str] = []

    def of(self, seen: Seen) -> PositionSums:
        """What one photo adds; nothing is added yet."""
        logits_QP, true_P = _positions(self._system, seen)
        bins = len(self._count_Q)
        return PositionSums(
            count_Q=np.bincount(true_P, minlength=bins),
            likeliest_Q=np.bincount(logits_QP.argmax(axis=0), minlength=bins),
            mass_Q=softmax(logits_QP, axis=0).sum(axis=1, dtype=np.float64),
            plain=self._plain.part(logits_QP, true_P),
            fitted=self._fitted.part(logits_QP, true_P) if self._fitted else None,
        )

    def add(self, photo: str, found: PositionSums) -> None:
        """Add what was found of one photo; sums of floats depend on the order of the photos."""
        self._ids.append(photo)
        self._count_Q += found.count_Q
        self._likeliest_Q += found.likeliest_Q
        self._mass_Q += found.mass_Q
        self._plain.add(found.plain)
        if self._fitted:
            assert found.fitted is not None
            self._fitted.add(found.fitted)

    def sums(self) -> DistributionSums:
        """What each photo added."""
        totals = [self._plain] if self._fitted is None else [self._plain, self._fitted]
        return DistributionSums.of(self._ids, self._system.centers, totals)

    def record(self) -> dict[str, Any]:
        """All numbers; those of the fitted temperature are None where there is none."""
        plain, fitted = self._plain, self._fitted
        prior = floored(self._system.prior)
        numbers = {
            "bits": plain.bits(),
            "ece": plain.calibration_error(),
            "prior_bits": prior_bits(prior / prior.sum(), self._count_Q),
        }
        if fitted:
            numbers |= {"bits_fitted": fitted.bits(), "ece_fitted": fitted.calibration_error()}
        return {
            "positions": plain.positions,
            "temperature": fitted.temperature if fitted else None,
            **{"bits_fitted": None, "ece_fitted": None},
            **finite(numbers),
            "reliability": plain.reliability(),
            "reliability_fitted": fitted.reliability() if fitted else None,
        }

    def bins(self) -> dict[str, npt.NDArray[np.float64]]:
        """Shares of the positions by bin, (Q,): truly, by the likeliest bin, and in the mean.

        The last is the mean distribution: of a calibrated classifier it is the first one.
        """
        total = max(self._plain.positions, 1)
        shares = (self._count_Q / total, self._likeliest_Q / total, self._mass_Q / total)
        return dict(zip(("true", "likeliest", "mean"), shares, strict=True))


def distributions(system: System, photos: ShardSet) -> Distributions | None:
    """Empty totals with the temperature fitted on the validation split; None for a regression."""
    if system.head == "chroma":
        return None
    rows = photos.rows("val")
    if not len(rows):
        if group.is_first():
            print("evaluate: no photo of the split val, so no temperature is fitted")
        return Distributions(system, None)
    few = frozenset(example_ids([photos.ids[row] for row in rows], _PHOTOS))
    chosen = np.array([row for row in rows if photos.ids[row] in few])
    work = pieces(chosen, seen_side(system, photos), group.count())
    taken = in_turns(_samples(system, photos, own_pieces(work)), turns(work))
    samples = list(progress(taken, total=len(chosen), desc="fit a temperature"))
    return Distributions(system, group.of_the_first(lambda: _fitted(samples)))


def _fitted(samples: Sequence[Sample]) -> float | None:
    """None where no position lies on a photo."""
    true_P = np.concatenate([true for _, true in samples])
    if not len(true_P):
        return None
    return fitted_temperature(np.concatenate([logits for logits, _ in samples], axis=1), true_P)


def _samples(system: System, photos: ShardSet, work: Sequence[Piece]) -> Iterator[Sample]:
    for piece in work:
        for seen in see(system, photos, piece.rows)[piece.part]:
            yield _sampled(system, seen)


def _sampled(system: System, seen: Seen) -> Sample:
    """At most 200 positions of a photo, drawn by its id."""
    logits_QP, true_P = _positions(system, seen)
    rng = np.random.default_rng(_digest(seen.photo))
    some = np.sort(rng.permutation(len(true_P))[:_POSITIONS])
    return logits_QP[:, some], true_P[some]


def _positions(system: System, seen: Seen) -> Sample:
    """Logits and true bins of the positions that lie on the photo."""
    rows, columns, on_photo_hw = seen.positions(system.network.stride)
    row_P, column_P = np.nonzero(on_photo_hw)
    rgb_P3 = seen.rgb_HW3[rows[row_P], columns[column_P]]
    chroma_P2 = np.ascontiguousarray(system.space.from_rgb(rgb_P3)[..., 1:])
    logits_QP = seen.output_Chw.cpu().numpy()[:, on_photo_hw]
    return logits_QP, nearest_bin(chroma_P2, system.centers)


def _digest(photo: str) -> int:
    return int.from_bytes(hashlib.sha256(photo.encode()).digest()[:8], "big")
