"""Results in the form that the stages train and evaluate write, without their files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from huescape.metrics.hue import SECTORS, SUMS
from huescape.metrics.hue_sums import HueSums
from huescape.metrics.photo_parts import PhotoPart, PhotoParts
from huescape.metrics.photo_sums import PhotoSums
from huescape.params.quantizers import QuantizerParams
from huescape.reporting.inputs import SystemResult

SCORES = {
    "auc": 0.9,
    "auc_macro": 0.8,
    "auc_rebalanced": 0.7,
    "bin_accuracy": 0.3,
    "bin_accuracy_balanced": 0.2,
    "psnr": 24.0,
    "ssim": 0.95,
    "colorfulness": 30.0,
}
TRUTH = dict.fromkeys(SCORES, 1.0) | {"psnr": None, "colorfulness": 40.0}
DISTRIBUTION = {
    "bits": 4.125,
    "ece": 0.0625,
    "positions": 1000,
    "prior_bits": 5.5,
    "temperature": 1.25,
    "bits_fitted": 4.0,
    "ece_fitted": 0.03125,
    "reliability": [{"count": 0, "accuracy": None, "confidence": None}],
}
COST = {
    "parameters": 1000,
    "trained_parameters": 900,
    "macs_per_photo_inference": 1_234_000_000,
    "macs_per_photo_training": 3_700_000_000,
    "activation_bytes_per_photo": 2_500_000,
    "input": "256x256",
}
Make = Callable[..., SystemResult]


@pytest.fixture
def make() -> Make:
    return result


def result(
    name: str,
    scores: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    pictures: Path | None = None,
    photos: PhotoSums | None = None,
    **params: Any,
) -> SystemResult:
    """One system; `params` replace whole sections of its parameters.

    Without `photos` all test photos are alike, with the scores that are given, so that an interval
    over them has no width.
    """
    record: dict[str, Any] = {
        "preset": name,
        "quantizer": "soft",
        "network": {"name": "zhang2016", "width": 64},
        "loss": {"name": "cross_entropy", "weighted": True},
        "optimizer": {"name": "adam", "lr": 0.001},
        "augmentation": {"flip": True, "crop": None, "noise": []},
        "steps": 500,
        "batch": 16,
        "checkpoint_every": 100,
        "seed": 0,
    } | params
    evaluation: dict[str, Any] = SCORES | {
        "photos": 40,
        "macro_bins": 17,
        "head": "bins",
        "effective_pixels": 250_000.0,
        "decode": "annealed T=0.38",
        "decodes": {},
        "distribution": DISTRIBUTION,
        "warnings": [],
        "settings": {"split": "test", "macro_pixels": 1, "macro_photos": 1},
        "baselines": {"gray": SCORES | {"colorfulness": 0.0}, "ground_truth": TRUTH},
    }
    evaluation |= scores or {}
    evaluation["cost"] = COST | evaluation.get("cost", {})
    described = {"params": record, "steps": record["steps"], "loss": 2.5}
    described |= {"dataset_digest": "0" * 64} | (model or {})
    none = pd.DataFrame()
    if photos is None:
        photos = alike(evaluation)
    hues = HueSums(photos.ids_N, np.ones((len(photos.ids_N), SECTORS, len(SUMS)), np.int64))
    lightness = {photo: float(n) for n, photo in enumerate(photos.ids_N.tolist())}
    files = None, None, pictures, None, hues, lightness, dict[str, Path]()
    return SystemResult(name, evaluation, described, none, none, photos, *files)


def photo_sums(auc: dict[str, list[float]]) -> PhotoSums:
    """Of photos with 1,000 pixels in one bin and these AuCs, by prediction.

    The colorfulness of a photo is 100 times its AuC.
    """
    whole = partial(np.array, dtype=np.int32)
    parts = {
        name: PhotoParts(
            PhotoPart(
                whole([0]),
                whole([1000]),
                whole([round(1000 * v)]),
                whole([round(300_000 * v)]),
                9000,
                {"colorfulness": 100 * v},
            )
            for v in values
        )
        for name, values in auc.items()
    }
    ids = [f"photo{n}" for n in range(len(next(iter(auc.values()))))]
    return PhotoSums.of(ids, parts, np.ones(2), np.array([0]))


def alike(evaluation: dict[str, Any]) -> PhotoSums:
    """Of 40 photos that each have the scores of the record; the macro score is of the second bin.

    The rebalanced AuC and the accuracies are others than the record's.
    """
    by_name = dict.fromkeys(_predictions(evaluation), SCORES)
    by_name |= {evaluation["decode"]: evaluation, **evaluation["baselines"]}
    by_name |= {name: SCORES | scores for name, scores in evaluation["decodes"].items()}
    parts = {name: PhotoParts([_part(scores)] * 40) for name, scores in by_name.items()}
    return PhotoSums.of([f"photo{n}" for n in range(40)], parts, np.ones(2), np.array([1]))


def _part(scores: dict[str, Any]) -> PhotoPart:
    """1,000 pixels in either bin."""
    whole = partial(np.array, dtype=np.int32)
    auc, macro = (scores.get(key) or 0.0 for key in ("auc", "auc_macro"))
    error = 6000 * 255**2 / 10 ** (psnr / 10) if (psnr := scores.get("psnr")) else 0
    units = whole([round(300_000 * v) for v in (2 * auc - macro, macro)])
    measured = {key: v for key in ("colorfulness", "ssim") if (v := scores.get(key)) is not None}
    return PhotoPart(whole([0, 1]), whole([1000] * 2), whole([0, 0]), units, round(error), measured)


def _predictions(evaluation: dict[str, Any]) -> list[str]:
    predictions = evaluation["decode"], *evaluation["decodes"], *evaluation["baselines"]
    return list(dict.fromkeys(predictions))


@pytest.fixture
def quantizers() -> dict[str, QuantizerParams]:
    """`hard`, `plain` (no smoothing) and `chroma` differ from `soft` in one thing each."""
    prior = {"sigma": 5.0, "lambda": 0.5}
    soft = {"method": "soft", "neighbors": 5, "sigma": 5.0, "stride": 4}
    sections: dict[str, dict[str, Any]] = {
        "soft": {"encode": soft, "prior": prior},
        "hard": {"encode": {"method": "hard", "stride": 4}, "prior": prior},
        "plain": {"encode": soft, "prior": prior | {"sigma": 0.0}},
        "chroma": {"encode": {"method": "chroma", "stride": 4}, "prior": prior},
    }
    base = {"space": "lab", "bins": {"rule": "gamut", "step": 10.0}}
    return {
        name: QuantizerParams.model_validate(base | section) for name, section in sections.items()
    }
