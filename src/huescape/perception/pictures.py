"""What the classifiers are shown of a test photo: the truth, three baselines, the system's colors.

All have the photo's own lightness and lie without padding. Of the evaluation's baselines the two
that paint every photo in one and the same color are left out: a tint says nothing that gray and the
photo's own mean color do not.

Shape suffixes: H rows, W columns, 2 chroma channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.base.boxes import Box
from huescape.base.errors import HuescapeError
from huescape.color.decoding import join
from huescape.color.spaces import SPACES, rgb_to_lab
from huescape.evaluation.passes import Rows, Seen, inside, see, unpadded
from huescape.metrics import baselines
from huescape.metrics.names import ORACLE, TRUTH
from huescape.metrics.pictures import Picture
from huescape.params.decodings import Decoding
from huescape.shards import ShardSet
from huescape.systems.system import System

GRAY, RANDOM, SYSTEM = "gray", "random_photo", "system"
#: In the order of every table.
PREDICTIONS = (TRUTH, GRAY, RANDOM, ORACLE, SYSTEM)

FloatArray = npt.NDArray[np.floating[Any]]


def shown(system: System, photos: ShardSet, rows: Rows, decoding: Decoding) -> list[list[Picture]]:
    """The pictures of each of these photos, in the order of PREDICTIONS.

    The random photo is the one of the training split that the evaluation takes. Raises
    HuescapeError where there is none, or where the system's colors are not finite.
    """
    donors = photos.rows("train")
    if not len(donors):
        raise HuescapeError(f"{photos.folder}: no photo of the split train for {RANDOM}")
    picked = np.array([donors[baselines.pick(photos.ids[row], len(donors))] for row in rows])
    pairs = zip(see(system, photos, rows), unpadded(photos, picked), strict=True)
    return [_pictures(system, seen, donor_HW3, decoding) for seen, donor_HW3 in pairs]


def gray_picture(rgb_HW3: Picture) -> Picture:
    """The photo without its colors: its lightness of CIE Lab."""
    lab_HW3 = rgb_to_lab(rgb_HW3)
    return _painted(lab_HW3, np.zeros_like(lab_HW3[..., 1:]))


def _pictures(system: System, seen: Seen, donor_HW3: Picture, decoding: Decoding) -> list[Picture]:
    truth_HW3 = inside(seen.rgb_HW3, seen.own)
    height, width = truth_HW3.shape[:2]
    lab_HW3 = rgb_to_lab(truth_HW3)
    mean_2 = baselines.oracle_mean(lab_HW3[..., 1:].reshape(-1, 2))
    donor_ab_HW2 = baselines.resized(rgb_to_lab(donor_HW3)[..., 1:], height, width)
    return [
        truth_HW3,
        _painted(lab_HW3, baselines.constant(np.zeros(2), height, width)),
        _painted(lab_HW3, donor_ab_HW2),
        _painted(lab_HW3, baselines.constant(mean_2, height, width)),
        _colored(system, seen, decoding),
    ]


def _painted(lab_HW3: FloatArray, ab_HW2: FloatArray) -> Picture:
    lightness_HW = np.ascontiguousarray(lab_HW3[..., 0])
    return join(lightness_HW, np.ascontiguousarray(ab_HW2, lightness_HW.dtype), SPACES["lab"])


def _colored(system: System, seen: Seen, decoding: Decoding) -> Picture:
    size = seen.rgb_HW3.shape[0], seen.rgb_HW3.shape[1]
    lightness_11HW = torch.from_numpy(seen.lightness_HW)[None, None]
    chroma_12HW = system.decode(seen.output_Chw[None], decoding, size, size, lightness_11HW)
    chroma_HW2 = chroma_12HW[0].permute(1, 2, 0).cpu().numpy()
    if not np.isfinite(chroma_HW2).all():
        raise HuescapeError(
            f"{seen.photo}: the system's colors are not all finite numbers; its weights are "
            "damaged or its training diverged: train it again"
        )
    own: Box = seen.own
    return join(inside(seen.lightness_HW, own), inside(chroma_HW2, own), system.space)
