"""What one photo is scored with: bins, prior, and the predictions of a system and the baselines.

Every prediction is scored on the same pixels: those of the resized photo without its padding, with
the photo's own lightness. AuC and bin accuracy see the predicted ab before any clipping (see
`metrics.chroma` for systems of another space); PSNR, SSIM and colorfulness see the 8-bit picture.

Shape suffixes: H rows, W columns, Q scoring bins, 2 chroma channels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.arrays import read_arrays
from huescape.base.errors import HuescapeError
from huescape.color.decoding import join
from huescape.color.priors import rebalancing_weights
from huescape.color.spaces import SPACES, Space, rgb_to_lab
from huescape.evaluation.looks import Look
from huescape.evaluation.own_prior import read_own_prior
from huescape.metrics import baselines
from huescape.metrics.chroma import unclipped_ab
from huescape.metrics.photo import PhotoScore, Truth, score, truth
from huescape.metrics.pictures import Picture
from huescape.params.reports import OwnPrior

FloatArray = npt.NDArray[np.floating[Any]]
LAB = SPACES["lab"]


@dataclass(frozen=True)
class Reference:
    """The bins and the prior of the training photos that score every system.

    Attributes:
        centers_Q2: Lab bins, float64.
        empirical_Q: the prior; its mean and mode are baselines.
        weight_Q: weights of the rebalanced score: lambda = 0 of the smoothed prior.
    """

    centers_Q2: npt.NDArray[np.float64]
    empirical_Q: npt.NDArray[np.float64]
    weight_Q: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One photo to score.

    Attributes:
        photo: its id.
        rgb_HW3: its pixels, without padding.
        chroma: the system's prediction (H, W, 2) in its own space, by the name of a decoding.
        donor_HW3: another photo, of the training split, for the baseline `random_photo`.
        keep: names of the predictions whose pictures are returned.
        look: what else is known of it; handed through.
    """

    photo: str
    rgb_HW3: Picture
    chroma: Mapping[str, FloatArray]
    donor_HW3: Picture
    keep: Collection[str]
    look: Look = field(default_factory=Look)


@dataclass(frozen=True)
class Scored:
    """The scores of one photo by prediction (decodings and baselines); pictures of some of them.

    And what else is known of it.
    """

    photo: str
    scores: dict[str, PhotoScore]
    pictures: dict[str, Picture]
    look: Look


def read_reference(bins: Path, prior: Path, rebalance: OwnPrior | None = None) -> Reference:
    """Read the scoring bins and prior; raises HuescapeError for files that do not fit.

    `rebalance` weighs the rebalanced score in place of the prior.
    """
    centers = read_arrays(bins, "centers", stage=f"bins@{bins.stem}")["centers"]
    centers_Q2 = centers.astype(np.float64)
    if centers_Q2.ndim != 2 or centers_Q2.shape[1] != 2:
        raise HuescapeError(f"{bins}: centers have shape {centers_Q2.shape}; allowed: (Q, 2)")
    found = read_arrays(prior, "empirical", "smoothed", stage=f"prior@{prior.stem}")
    for name, values in found.items():
        if values.shape != (len(centers_Q2),):
            raise HuescapeError(
                f"{prior}: {name} has shape {values.shape}, but {bins} has {len(centers_Q2)} bins; "
                "run the stages bins and prior again"
            )
    own_Q = read_own_prior(rebalance, len(centers_Q2)) if rebalance else found["smoothed"]
    weight_Q, _ = rebalancing_weights(own_Q, 0.0)
    return Reference(centers_Q2, found["empirical"].astype(np.float64), weight_Q)


def score_photo(task: Task, reference: Reference, space: Space) -> Scored:
    """Score all predictions of one photo; nearly all in compiled code, so that threads help."""
    true = truth(task.rgb_HW3, reference.centers_Q2)
    scores: dict[str, PhotoScore] = {}
    pictures: dict[str, Picture] = {}
    for name, ab_HW2, rgb_HW3 in _predictions(task, true, reference, space):
        scores[name] = score(true, ab_HW2, rgb_HW3)
        if name in task.keep:
            pictures[name] = rgb_HW3
    return Scored(task.photo, scores, pictures, task.look)


def _predictions(
    task: Task, true: Truth, reference: Reference, space: Space
) -> Iterator[tuple[str, FloatArray, Picture]]:
    """(name, unclipped ab, picture) of the system by each decoding and of each baseline."""
    # In line once, not for each prediction.
    true_lightness_HW = np.ascontiguousarray(true.lab_HW3[..., 0])
    lightness_HW = true_lightness_HW
    if space is not LAB:
        lightness_HW = np.ascontiguousarray(space.from_rgb(task.rgb_HW3)[..., 0])
    for name, chroma_HW2 in task.chroma.items():
        ab_HW2 = unclipped_ab(lightness_HW, chroma_HW2, space.name)
        yield name, ab_HW2, join(lightness_HW, chroma_HW2, space)
    for name, ab_HW2 in _baselines(task, true, reference):
        yield name, ab_HW2, join(true_lightness_HW, ab_HW2, LAB)


def _baselines(task: Task, true: Truth, reference: Reference) -> Iterator[tuple[str, FloatArray]]:
    height, width = task.rgb_HW3.shape[:2]
    prior_Q, centers_Q2 = reference.empirical_Q, reference.centers_Q2
    mean, mode = (
        baselines.prior_mean(prior_Q, centers_Q2),
        baselines.prior_mode(prior_Q, centers_Q2),
    )
    yield "gray", baselines.constant(np.zeros(2), height, width)
    yield "prior_mean", baselines.constant(mean, height, width)
    yield "prior_mode", baselines.constant(mode, height, width)
    donor_ab_HW2 = rgb_to_lab(task.donor_HW3)[..., 1:]
    yield "random_photo", baselines.resized(donor_ab_HW2, height, width)
    yield "oracle_mean", baselines.constant(baselines.oracle_mean(true.ab_N2), height, width)
    yield "ground_truth", true.ab_N2.reshape(height, width, 2)
