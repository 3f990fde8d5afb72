"""A faded print is shown to the network from black to white; what is painted on stays faded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from huescape.color.spaces import rgb_to_lab, space
from huescape.coloring.levels import restored
from huescape.coloring.painting import colorize
from huescape.coloring.prediction import predict
from huescape.landscapes.render import render_scene
from huescape.params.decodings import Decoding
from huescape.systems.system import System
from tests.coloring.systems import make_system

SPACES = ["lab", "yuv"]


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("lab")


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    """A photo from black to white, (H, W) uint8."""
    levels = render_scene("b/beach", np.random.default_rng(3), 64, 48).mean(axis=2)
    low, high = np.percentile(levels, (1, 99))
    return np.rint(np.clip((levels - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def faded(gray: np.ndarray, low: int = 60, high: int = 200) -> np.ndarray:
    return np.rint(low + (high - low) * (gray / 255)).astype(np.uint8)


@pytest.mark.parametrize("name", SPACES)
def test_fading_is_undone(name: str) -> None:
    of = space(name)
    top = of.lightness_range[1]
    before = np.linspace(0, top, 3072).reshape(48, 64)
    found = restored(0.25 * top + 0.5 * before, of)
    assert found.min() == 0
    assert found.max() == np.float32(top)
    assert np.abs(found - before).max() < 0.003 * top  # a thousandth is clipped


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.8), (0.1, 0.8), (0.2, 0.95), (0.5, 0.51)])
def test_what_has_black_or_white_stays_as_it_is(low: float, high: float) -> None:
    before = 100 * np.linspace(low, high, 3072, dtype=np.float32).reshape(48, 64)
    assert (restored(before, space("lab")) == before).all()


def test_specks_and_dust_hide_no_fading() -> None:
    before = np.linspace(25, 75, 3072).reshape(48, 64)
    before[0, :2], before[1, :1] = 0, 100
    assert restored(before, space("lab")).max() == 100
    assert restored(before, space("lab"))[30, 30] == pytest.approx(2 * before[30, 30] - 50, abs=0.2)


def test_a_faded_print_is_predicted_as_if_it_were_not(system: System, gray: np.ndarray) -> None:
    wanted, kept, found = (
        predict(system, photo, 64, as_print=as_print).output_1Cmn
        for photo, as_print in ((gray, True), (faded(gray), False), (faded(gray), True))
    )
    assert torch.abs(found - wanted).mean() < 0.1 * torch.abs(kept - wanted).mean()


def test_sepia_counts_as_one_tone_and_colors_do_not(system: System, gray: np.ndarray) -> None:
    sepia = faded(gray)[..., None] * np.array([1.1, 1.0, 0.85])
    colors = sepia * np.where(np.arange(64) % 2, 1.2, 0.8)[None, :, None] ** np.array([1, 0, -1])
    changed = []
    for rgb in (sepia, colors):
        photo = np.rint(rgb).astype(np.uint8)
        one, other = (predict(system, photo, 64, as_print=x).output_1Cmn for x in (False, True))
        changed.append(not torch.equal(one, other))
    assert changed == [True, False]


def test_the_result_is_as_faded_as_the_print(system: System, gray: np.ndarray) -> None:
    photo = faded(gray)
    vivid = Decoding(temperature=0.01)
    found = colorize(system, photo, vivid, 64, as_print=True)
    own = rgb_to_lab(np.repeat(photo[..., None], 3, axis=2))[..., 0]
    assert np.abs(rgb_to_lab(found)[..., 0] - own).max() < 1
    assert (found != colorize(system, photo, vivid, 64)).any()
