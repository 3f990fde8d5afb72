"""PSNR and SSIM against scikit-image."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from huescape.base.errors import HuescapeError
from huescape.metrics.pictures import SSIM_SIDE, SsimReference, psnr, squared_error, ssim

Picture = npt.NDArray[np.uint8]


def reference(first: Picture, second: Picture) -> float:
    return float(
        structural_similarity(
            first,
            second,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=-1,
        )
    )


def pair(seed: int, height: int = 37, width: int = 52, noise: int = 40) -> tuple[Picture, Picture]:
    """A picture of slow waves, and the same with noise and a shift of color."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [127 + 120 * np.sin(x / rng.uniform(2, 9) + y / rng.uniform(2, 9)) for _ in range(3)]
    first = np.stack(waves, axis=-1)
    second = first + rng.normal(0, noise, first.shape) + rng.uniform(-30, 30, 3)
    return first.astype(np.uint8), np.clip(second, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 5, 40, 200])
# The last ones are more than a tile high or wide, or just as much.
@pytest.mark.parametrize(
    "shape", [(37, 52), (11, 64), (64, 11), (11, 11), (101, 200), (48, 96), (49, 97)]
)
def test_ssim_agrees_with_scikit_image(shape: tuple[int, int], noise: int) -> None:
    first, second = pair(noise, *shape, noise=noise)
    assert ssim(first, second) == pytest.approx(reference(first, second), abs=1e-9)


def test_ssim_of_extremes() -> None:
    black, white = np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)
    assert ssim(black, white) == pytest.approx(reference(black, white), abs=1e-9)
    assert ssim(white, white) == 1.0
    first, second = pair(0)
    assert ssim(first, 255 - first) == pytest.approx(reference(first, 255 - first), abs=1e-9)
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-12)


def test_every_window_counts() -> None:
    """One pixel that differs, wherever it is, changes the score as scikit-image says."""
    first, _ = pair(3, 60, 110)
    true = SsimReference(first)
    for row, column in ((0, 0), (59, 109), (38, 87), (47, 95), (48, 96), (30, 50)):
        second = first.copy()
        second[row, column] ^= 128
        assert true.score(second) == pytest.approx(reference(first, second), abs=1e-9)
        assert true.score(second) < 1


def test_layout_does_not_show() -> None:
    first, second = pair(4, 30, 40)
    expected = ssim(first, second), squared_error(first, second)
    turned = [
        np.ascontiguousarray(p.transpose(1, 0, 2)).transpose(1, 0, 2) for p in (first, second)
    ]
    for picture in (first, second):
        picture.flags.writeable = False
    assert (ssim(first, second), squared_error(first, second)) == expected
    assert (ssim(*turned), squared_error(*turned)) == expected


def test_pictures_of_different_shape_are_refused() -> None:
    first, second = pair(0)
    for compare in (ssim, squared_error):
        with pytest.raises(HuescapeError, match=r"have shapes .* allowed are equal ones"):
            compare(first, second[1:])


WRONG = {
    "2-D": np.zeros((20, 20), np.uint8),
    "one channel": np.zeros((20, 20, 1), np.uint8),
    "RGBA": np.zeros((20, 20, 4), np.uint8),
    "float": np.zeros((20, 20, 3)),
    "no axis": np.zeros((), np.uint8),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_picture_is_refused(wrong: str) -> None:
    picture = WRONG[wrong]
    for compare in (ssim, squared_error):
        with pytest.raises(HuescapeError, match=r"allowed is uint8 \(\.\.\., 3\)$"):
            compare(picture, picture)
    right = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(HuescapeError, match="a picture is"):
        SsimReference(right).score(picture)
    with pytest.raises(HuescapeError, match="a picture is"):
        squared_error(right, picture)


def test_colors_in_any_arrangement_have_a_squared_error_but_no_ssim() -> None:
    first, second = pair(5, 12, 14)
    for shape in ((12 * 14, 3), (3, 4, 14, 3)):
        line, other = first.reshape(shape), second.reshape(shape)
        assert squared_error(line, other) == squared_error(first, second)
        with pytest.raises(HuescapeError, match=r"allowed is \(H, W, 3\)$"):
            ssim(line, other)


def test_one_reference_serves_many_pictures() -> None:
    first, second = pair(1)
    true = SsimReference(first)
    once = ssim(first, second)
    assert [true.score(p) for p in (second, first, second)] == [once, 1.0, once]


def test_ssim_is_undefined_below_its_window() -> None:
    small = np.zeros((SSIM_SIDE - 1, 40, 3), np.uint8)
    assert math.isnan(ssim(small, small))


@pytest.mark.parametrize("seed", range(3))
def test_psnr_agrees_with_scikit_image(seed: int) -> None:
    first, second = pair(seed)
    expected = peak_signal_noise_ratio(first, second, data_range=255)
    assert psnr(squared_error(first, second), first.size) == pytest.approx(expected, abs=1e-9)


def test_psnr_pools_over_photos() -> None:
    """Sums over photos give the PSNR of the photos glued together, not the mean of theirs."""
    (a, b), (c, d) = pair(1, noise=5), pair(2, noise=90)
    error = squared_error(a, b) + squared_error(c, d)
    glued = peak_signal_noise_ratio(np.concatenate([a, c]), np.concatenate([b, d]), data_range=255)
    assert psnr(error, a.size + c.size) == pytest.approx(glued, abs=1e-9)


def test_psnr_of_equal_pictures_is_infinite() -> None:
    assert psnr(0, 300) == math.inf


def test_squared_error_does_not_overflow() -> None:
    black, white = np.zeros((300, 300, 3), np.uint8), np.full((300, 300, 3), 255, np.uint8)
    assert squared_error(black, white) == 255**2 * 270_000
    assert squared_error(white, black) == 255**2 * 270_000
