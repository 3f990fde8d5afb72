"""The pictures: repeatable, plausibly colored, and colored by texture rather than by place.

Legend: N photos, H, W picture; P patches; ab is the chroma plane of CIE Lab.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from huescape.base.errors import HuescapeError
from huescape.landscapes.light import choose_light, develop
from huescape.landscapes.render import CATEGORIES, NOT_LANDSCAPE, render_scene
from huescape.landscapes.sky import paint_sky
from huescape.landscapes.view import Camera

_PER_CATEGORY = 14
_WIDTH, _HEIGHT = 192, 144
_PATCH = 24


@cache
def _labs() -> dict[str, np.ndarray]:
    """Category to (N, H, W, 3) Lab pictures, the same for every test."""
    return {
        name: rgb2lab(
            np.stack(
                [
                    render_scene(name, np.random.default_rng([4, i, k]), _WIDTH, _HEIGHT)
                    for i in range(_PER_CATEGORY)
                ]
            )
        )
        for k, name in enumerate(CATEGORIES)
    }


@given(
    st.sampled_from([*CATEGORIES, NOT_LANDSCAPE]),
    st.integers(0, 2**32 - 1),
    st.integers(16, 130),
    st.integers(16, 130),
)
@settings(max_examples=40, deadline=None)
def test_any_size_renders_and_repeats(category: str, seed: int, width: int, height: int) -> None:
    one, two = (
        render_scene(category, np.random.default_rng(seed), width, height) for _ in range(2)
    )
    assert one.shape == (height, width, 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, two)
    assert one.max() > one.min()


def test_unknown_category_and_tiny_size_are_refused() -> None:
    with pytest.raises(HuescapeError, match="unknown category 'x/moon'"):
        render_scene("x/moon", np.random.default_rng(0), 64, 64)
    with pytest.raises(HuescapeError, match="below 16"):
        render_scene(CATEGORIES[0], np.random.default_rng(0), 8, 64)


@pytest.mark.parametrize("category", CATEGORIES)
def test_mean_chroma_and_lightness_are_those_of_photographs(category: str) -> None:
    """Real landscape categories lie at a mean chroma of 16 to 24 and a lightness of 40 to 52."""
    lab = _labs()[category]
    chroma = np.hypot(lab[..., 1], lab[..., 2]).mean(axis=(1, 2))
    assert 8 < chroma.mean() < 34
    assert chroma.min() > 1.8
    assert chroma.max() < 55
    assert 28 < lab[..., 0].mean() < 75


def test_the_sky_is_blue_at_noon_and_warm_at_dusk() -> None:
    camera = Camera(96, 72, 80.0, 80.0)
    for hour, low, high in (("noon", -60, -12), ("dusk", 5, 70)):
        rng = np.random.default_rng(2)
        sky = develop(paint_sky(choose_light(rng, hour), camera, rng, cover=-3.0), rng)
        b = rgb2lab(sky)[..., 2][: 36 if hour == "noon" else None].mean()
        assert low < b < high


def test_materials_have_their_colors() -> None:
    """a < 0 for broadleaf (mostly green), b > 0 for sand and grass, b < 0 for the sea."""
    labs = _labs()
    assert np.median(labs["f/forest/broadleaf"][..., 1]) < -2
    assert np.median(labs["d/desert/sand"][:, -40:, :, 2]) > 5
    assert np.median(labs["f/field/wild"][:, -40:, :, 2]) > 8
    assert np.median(labs["o/ocean"][:, -40:, :, 1]) < -2


def _patches(lab_NHW3: np.ndarray) -> np.ndarray:
    """(N, P, _PATCH, _PATCH, 3): the picture cut into patches."""
    n, height, width, _ = lab_NHW3.shape
    down, across = height // _PATCH, width // _PATCH
    cut = lab_NHW3[:, : down * _PATCH, : across * _PATCH]
    cut = cut.reshape(n, down, _PATCH, across, _PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
    return cut.reshape(n, down * across, _PATCH, _PATCH, 3)


def _texture(gray: np.ndarray) -> np.ndarray:
    """Statistics of gray patches (..., _PATCH, _PATCH) that do not say where a patch was."""
    down, across = np.diff(gray, axis=-2), np.diff(gray, axis=-1)
    coarse = gray.reshape(*gray.shape[:-2], _PATCH // 4, 4, _PATCH // 4, 4).mean(axis=(-3, -1))
    coarse_down, coarse_across = np.diff(coarse, axis=-2), np.diff(coarse, axis=-1)
    spread = [np.log(0.1 + s.std(axis=(-2, -1))) for s in (gray, down, across)]
    spread += [np.log(0.1 + s.std(axis=(-2, -1))) for s in (coarse_down, coarse_across)]
    skew = ((gray - gray.mean(axis=(-2, -1), keepdims=True)) ** 3).mean(axis=(-2, -1))
    return np.stack([*spread, np.cbrt(skew), gray.mean(axis=(-2, -1))], axis=-1)


def test_gray_texture_tells_the_material() -> None:
    """Five materials at the picture's lower edge or middle; chance is one in five."""
    rows = {
        "f/forest/broadleaf": slice(24, 96),
        "f/field/wild": slice(-72, None),
        "d/desert/sand": slice(-72, None),
        "o/ocean": slice(-48, None),
        "s/sky": slice(0, 72),
    }
    train_x, train_y, test_x, test_y = [], [], [], []
    for label, (name, part) in enumerate(rows.items()):
        features = _texture(_patches(_labs()[name][:, part])[..., 0])
        half = _PER_CATEGORY // 2
        for chosen, x, y in ((slice(half), train_x, train_y), (slice(half, None), test_x, test_y)):
            flat = features[chosen].reshape(-1, features.shape[-1])
            x.append(flat)
            y.append(np.full(len(flat), label))
    forest = ExtraTreesClassifier(80, min_samples_leaf=3, class_weight="balanced", random_state=0)
    forest.fit(np.concatenate(train_x), np.concatenate(train_y))
    recall = [float((forest.predict(x) == label).mean()) for label, x in enumerate(test_x)]
    assert np.mean(recall) > 0.6
    assert min(recall) > 0.3


def _explained(truth: np.ndarray, guess: np.ndarray, mean: np.ndarray) -> float:
    return float(1 - ((truth - guess) ** 2).sum() / ((truth - mean) ** 2).sum())


def test_color_follows_texture_more_than_place() -> None:
    """Patch colors of unseen photos: from gray texture, against from the patch's place alone."""
    lab = np.concatenate(list(_labs().values()))
    patches = _patches(lab)
    ab = patches[..., 1:].mean(axis=(2, 3))
    features = _texture(patches[..., 0])
    train = np.arange(len(lab)) % 2 == 0
    mean = ab[train].mean(axis=(0, 1))
    place = _explained(ab[~train], np.broadcast_to(ab[train].mean(axis=0), ab[~train].shape), mean)
    trees = ExtraTreesRegressor(60, min_samples_leaf=4, random_state=0)
    trees.fit(features[train].reshape(-1, features.shape[-1]), ab[train].reshape(-1, 2))
    guess = trees.predict(features[~train].reshape(-1, features.shape[-1]))
    texture = _explained(ab[~train].reshape(-1, 2), guess, mean)
    assert place < 0.30
    assert texture > place + 0.08
