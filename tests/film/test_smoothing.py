"""Predictions over time: the published average within a scene, and nothing across a cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from huescape.coloring.prediction import Prediction, predict
from huescape.film.settings import Smoothing
from huescape.film.smoothing import Smoother
from huescape.params.decodings import Decoding
from huescape.systems.system import System
from tests.coloring.systems import make_system
from tests.film.films import waves
from tests.film.test_flow import texture


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("yuv")


def predictions(system: System, frames: int, speed: float = 2.0) -> list[Prediction]:
    return [predict(system, picture, 64) for picture in waves(48, 64, frames, speed)]


def probabilities(prediction: Prediction) -> torch.Tensor:
    return prediction.output_1Cmn.double().softmax(dim=1)


@pytest.mark.parametrize(("frames", "decay"), [(20, 0.2), (3, 0.7)])
def test_it_is_the_average_of_distributions(system: System, frames: int, decay: float) -> None:
    seen = predictions(system, 26)
    smoother = Smoother(Smoothing(frames, decay))
    for t, prediction in enumerate(seen):
        found = smoother(prediction)
        past = [probabilities(p) for p in seen[max(0, t + 1 - frames) : t + 1][::-1]]
        weights = [math.exp(-decay * i) for i in range(len(past))]
        expected = sum(w * p for w, p in zip(weights, past, strict=True)) / sum(weights)
        assert (probabilities(found) - expected).abs().max() < 1e-6
        assert (found.lightness_hw == prediction.lightness_hw).all()
    assert smoother.cuts == 0


def test_the_first_frame_is_decoded_as_a_photo(system: System) -> None:
    (seen,) = predictions(system, 1)
    found = Smoother(Smoothing())(seen)
    for decoding in (Decoding(), Decoding(method="median", tau=0.4), Decoding(method="mode")):
        assert np.abs(found.chroma(decoding) - seen.chroma(decoding)).max() < 1e-5


def test_a_cut_begins_anew(system: System) -> None:
    first, second = (
        [predict(system, np.roll(picture, 3 * i, axis=1), 64) for i in range(4)]
        for picture in ((texture(48, 64, seed) * 255).astype(np.uint8) for seed in (0, 1))
    )
    smoother, fresh = Smoother(Smoothing()), Smoother(Smoothing())
    for prediction in first:
        smoother(prediction)
    for prediction in second:
        expected = fresh(prediction)
        assert (smoother(prediction).output_1Cmn == expected.output_1Cmn).all()
    assert (smoother.cuts, fresh.cuts) == (1, 0)


def test_another_size_begins_anew(system: System) -> None:
    smoother = Smoother(Smoothing(flow=True))
    smoother(predict(system, waves(48, 64, 1)[0], 64))
    other = predict(system, waves(64, 48, 1)[0], 64)
    assert (
        smoother(other).output_1Cmn.softmax(1) - other.output_1Cmn.softmax(1)
    ).abs().max() < 1e-6


def test_a_regression_averages_its_chroma(system: System) -> None:
    class Regression(System):
        head = "chroma"  # type: ignore[assignment]

    parts = {name: getattr(system, name) for name in ("network", "space", "centers", "prior")}
    regression = Regression(**parts, params=system.params, quantizer=system.quantizer)
    light_hw = predictions(system, 1)[0].lightness_hw
    outputs = torch.randn(5, 1, 2, 48, 64)
    smoother = Smoother(Smoothing(20, 0.2))
    for output in outputs:
        found = smoother(Prediction(regression, output, light_hw))
    weights = torch.tensor([math.exp(-0.2 * i) for i in range(5)])[:, None, None, None, None]
    expected = (outputs.flip(0) * weights).sum(0) / weights.sum()
    assert (found.output_1Cmn - expected).abs().max() < 1e-5


@pytest.fixture
def moving(system: System) -> list[Prediction]:
    """A texture that moves 3 pixels a frame, each place of it with a distribution of its own."""
    wide_hw = texture(48, 64 + 60, seed=3)
    own_Cmn = torch.from_numpy(
        np.stack([texture(48, 64 + 60, seed=10 + c) for c in range(9)]) * 8
    ).float()
    found = []
    for i in range(20):
        part = slice(60 - 3 * i, 60 - 3 * i + 64)
        light_hw = np.ascontiguousarray(wide_hw[:, part], np.float32)
        noise_Cmn = torch.randn(9, 48, 64, generator=torch.Generator().manual_seed(i))
        found.append(Prediction(system, (own_Cmn[..., part] + noise_Cmn)[None], light_hw))
    return found


def test_flow_follows_what_moves(moving: list[Prediction], system: System) -> None:
    """At fixed places the past is of other things; carried along, it is the same one."""
    own_Cmn = torch.from_numpy(
        np.stack([texture(48, 64 + 60, seed=10 + c) for c in range(9)]) * 8
    ).float()[..., 3:67]
    errors = {}
    for name, settings in (("fixed", Smoothing()), ("flow", Smoothing(flow=True))):
        smoother = Smoother(settings)
        for prediction in moving:
            found = smoother(prediction)
        assert smoother.cuts == 0
        difference = (found.output_1Cmn[0].softmax(0) - own_Cmn.softmax(0))[:, 4:-4, 8:-4]
        errors[name] = float(difference.abs().mean())
    alone = (moving[-1].output_1Cmn[0].softmax(0) - own_Cmn.softmax(0))[:, 4:-4, 8:-4]
    assert errors["flow"] < 0.7 * float(alone.abs().mean())
    assert errors["flow"] < 0.5 * errors["fixed"]
