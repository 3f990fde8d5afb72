"""Every classifier's answers on every picture of the test photos.

Shape suffixes: N photos, P predictions, F features, 5 best classes, T resamplings of a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.params.decodings import Decoding
from huescape.perception.classifiers import Answers, Classifier
from huescape.perception.parts import Arrays, Rows, in_parts
from huescape.perception.pictures import PREDICTIONS, shown
from huescape.shards import ShardSet
from huescape.systems.system import System

#: The classifier whose features distances are measured in.
REFERENCE = "efficientnet_lite0"


@dataclass(frozen=True)
class Collected:
    """What was asked, by photo and in the order of PREDICTIONS.

    Attributes:
        ids: of the photos.
        best: {classifier: (N, P, 5)}, the numbers of its best classes.
        features_NPF: the pooled features of REFERENCE, float32.
    """

    ids: list[str]
    best: dict[str, npt.NDArray[np.int16]]
    features_NPF: npt.NDArray[np.float32]


def collect(
    name: str,
    system: System,
    photos: ShardSet,
    rows_N: Rows,
    decoding: Decoding,
    classifiers: Sequence[Classifier],
    key: str,
) -> Collected:
    """Ask the classifiers, REFERENCE among them, about all photos at `rows_N`.

    `key` is that of `parts.in_parts`. Raises what `pictures.shown` raises.
    """

    def ask(rows: Rows) -> Arrays:
        pictures = [one for photo in shown(system, photos, rows, decoding) for one in photo]
        found: dict[str, npt.NDArray[Any]] = {}
        for classifier in classifiers:
            answers: Answers = classifier(pictures)
            found[classifier.name] = _by_photo(answers.best_N5, len(rows))
            if classifier.name == REFERENCE:
                found["features"] = _by_photo(answers.features_NF, len(rows))
        return found

    arrays = in_parts("perceive", name, key, rows_N, ask)
    features_NPF = arrays.pop("features")
    return Collected([photos.ids[row] for row in rows_N], arrays, features_NPF)


def _by_photo(values_X: npt.NDArray[Any], photos: int) -> npt.NDArray[Any]:
    return values_X.reshape(photos, len(PREDICTIONS), -1)
