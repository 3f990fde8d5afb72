"""From frames to upright RGB and back, against the formulas of the matrices."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.format import VideoFormat

from huescape.film.orientation import AS_IT_IS, Turn
from huescape.film.pictures import Look, Packing, Unpacking, depth_of, matrix_of, range_of
from huescape.film.stamps import Stamp
from tests.film.films import frames_of, make_film, waves

# Red's and blue's share of luma, by AVColorSpace: BT.709, BT.601 twice, BT.2020.
SHARES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def frame_of(planes: list[np.ndarray], pixels: str, matrix: int, range_: int) -> av.VideoFrame:
    frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], pixels)
    for plane, values in zip(frame.planes, planes, strict=True):
        row = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        row[:, : values.shape[1]] = values
        plane.update(row.tobytes())
    frame.colorspace, frame.color_range = matrix, range_
    return frame


def rgb_by_formula(planes: list[np.ndarray], matrix: int, range_: int, levels: int) -> np.ndarray:
    """Of planes of full size, as fractions of 1."""
    y, u, v = (plane.astype(float) / levels * 256 for plane in planes)
    if range_ == 2:
        y, u, v = y / 255, (u - 128) / 255, (v - 128) / 255
    else:
        y, u, v = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    red, blue = SHARES[matrix]
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], axis=-1), 0, 1)


def tame_planes(levels: int, dtype: type) -> list[np.ndarray]:
    """Colors inside the gamut of RGB, in either range."""
    rng = np.random.default_rng(0)
    y = rng.integers(levels * 0.4, levels * 0.6, (32, 48))
    u, v = rng.integers(levels * 0.45, levels * 0.55, (2, 32, 48))
    return [plane.astype(dtype) for plane in (y, u, v)]


@pytest.mark.parametrize("range_", [1, 2])
@pytest.mark.parametrize("matrix", sorted(SHARES))
def test_the_film_s_own_matrix_and_range_count(matrix: int, range_: int) -> None:
    planes = tame_planes(256, np.uint8)
    frame = frame_of(planes, "yuv444p", matrix, range_)
    found_HW3 = Unpacking(frame).picture(frame)
    assert found_HW3.dtype == np.uint8
    expected_HW3 = rgb_by_formula(planes, matrix, range_, 256) * 255
    assert np.abs(found_HW3 - expected_HW3).max() < 0.6


def test_ten_bits_stay_more_than_eight() -> None:
    planes = tame_planes(1024, np.uint16)
    frame = frame_of(planes, "yuv444p10le", 1, 1)
    found_HW3 = Unpacking(frame).picture(frame)
    assert found_HW3.dtype == np.uint16
    expected_HW3 = rgb_by_formula(planes, 1, 1, 1024) * 65535
    # FFmpeg's white of 16 bits is 255 x 256: it loses one level of 8 bits, and gives it back.
    assert np.abs(found_HW3 - expected_HW3 * 255 * 256 / 65535).max() < 65535 / 1023


@pytest.mark.parametrize(
    ("pixels", "levels", "dtype"),
    [
        ("yuv444p", 256, np.uint8),
        ("yuv444p10le", 1024, np.uint16),
    ],
)
@pytest.mark.parametrize("range_", [1, 2])
def test_there_and_back(pixels: str, levels: int, dtype: type, range_: int) -> None:
    planes = tame_planes(levels, dtype)
    frame = frame_of(planes, pixels, 6, range_)
    unpacking = Unpacking(frame)
    packing = Packing(pixels, unpacking.size, AS_IT_IS, Look(6, range_))
    again = packing.frame(unpacking.picture(frame), Stamp(7, 3))
    assert (again.pts, again.duration, again.format.name) == (7, 3, pixels)
    for plane, before in zip(again.planes, planes, strict=True):
        row = np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]
        assert np.abs(row.astype(int) - before).max() <= 2


def test_gray_stays_gray_whatever_the_matrix() -> None:
    for matrix in (*SHARES, 2):
        gray = np.random.default_rng(0).integers(16, 236, (32, 48)).astype(np.uint8)
        half = np.full((16, 24), 128, np.uint8)
        frame = frame_of([gray, half, half], "yuv420p", matrix, 1)
        rgb_HW3 = Unpacking(frame).picture(frame)
        assert np.ptp(rgb_HW3, axis=-1).max() == 0


def test_what_a_film_does_not_say_is_what_players_assume() -> None:
    small, large = av.VideoFrame(720, 576, "yuv420p"), av.VideoFrame(1280, 720, "yuv420p")
    rgb, full = av.VideoFrame(64, 48, "rgb24"), av.VideoFrame(64, 48, "yuvj420p")
    for frame in (small, large, full):
        frame.colorspace, frame.color_range = 2, 0
    assert [matrix_of(frame) for frame in (small, large, rgb)] == [6, 1, 1]
    assert [range_of(frame) for frame in (small, full, rgb)] == [1, 2, 1]


def test_the_depth_of_a_format() -> None:
    names = ("gray", "yuv420p", "yuv420p10le", "gray16le", "pal8", "rgb24")
    assert [depth_of(VideoFormat(name)) for name in names] == [8, 8, 10, 16, 8, 8]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_are_upright(rotation: int, tmp_path: Path) -> None:
    """`rotation` is how far they are turned to the left when they are shown."""
    (picture,) = waves(48, 64, 1)
    picture[:10, :20] = 250
    film = make_film(tmp_path / "a.mp4", [picture] * 2, rotation=rotation, options={"crf": "1"})
    first = frames_of(film)[0]
    unpacking = Unpacking(first)
    found = unpacking.picture(first)
    expected = np.rot90(picture, rotation // 90)
    assert found.shape == expected.shape
    assert np.abs(found[..., 1].astype(int) - expected[..., 1]).mean() < 4
    assert unpacking.size == (48, 64)


def test_frames_of_another_size_are_scaled_to_the_first() -> None:
    unpacking = Unpacking(av.VideoFrame(64, 48, "gray"))
    assert unpacking.picture(av.VideoFrame(80, 40, "gray")).shape == (48, 64, 3)


def test_the_last_row_and_column_are_repeated_where_sizes_must_be_even() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)
    turn = Turn(exchanged=True)
    frame = Packing("rgb24", (8, 6), turn, Look(1, 2)).frame(picture, Stamp(0, 1))
    stored = frame.to_ndarray(format="rgb24")
    assert (stored[:7, :5] == turn.stored(picture)).all()
    assert (stored[7] == stored[6]).all()
    assert (stored[:, 5] == stored[:, 4]).all()
