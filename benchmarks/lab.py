"""From 8-bit RGB to Lab, and back to a picture, against scikit-image and others.

Shape suffixes: P photos, N pixels, 3 channels, C pixels of a chunk.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sized
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from skimage import color
from skimage.util import img_as_float32
from threadpoolctl import threadpool_limits

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.photo_chroma import photos
from huescape.color import space_kernels as kernels
from huescape.color.spaces import lab_to_picture, rgb_to_lab

try:
    import kornia
except ImportError:
    kornia = None

kornia_or_none: ModuleType | None = kornia

TARGET = 4.0
CLOSE = 1e-3
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.floating[Any]]
WIDER = np.array([1, 1.5, 1.5], np.float32)  # so much that some colors leave the gamut
WAYS = ("one call", "photo by photo")
OURS, OURS_BACK = "huescape rgb_to_lab", "huescape lab_to_picture"
SKIMAGE = ("scikit-image rgb2lab, float64", "scikit-image rgb2lab, float32")
SKIMAGE_BACK = ("scikit-image lab2rgb, float64, rounded", "scikit-image lab2rgb, float32, rounded")
NUMPY = "NumPy, gamma table and cbrt, float32"
KORNIA = "kornia rgb_to_lab, float32"
LIMIT = "limit: cast to float32"
# Seconds of each round, by case and way.
Seconds = Mapping[str, list[float]]


def run(quick: bool) -> Report:
    """How many times as fast as scikit-image does 8-bit RGB become Lab, and Lab a picture?"""
    torch.set_num_threads(1)
    rgb_PHW3 = photos(2 if quick else 64)
    rounds = 2 if quick else harness.ROUNDS
    few_PHW3 = rgb_PHW3[::8]
    with threadpool_limits(1):
        off = _check()
        seconds = harness.measure(_cases(rgb_PHW3), rounds)
        back = harness.measure(_back_cases(few_PHW3), rounds)
    rows = _rows(seconds, rgb_PHW3.size / 3e6)
    if kornia_or_none is None:
        rows.append(Row(KORNIA, "Mpixel/s", None, "kornia is not installed"))
    rows += _rows(back, few_PHW3.size / 3e6)
    ratios = [
        *(_fastest(seconds, OURS, SKIMAGE, way, TARGET) for way in WAYS),
        *_others(seconds),
        *(_fastest(back, OURS_BACK, SKIMAGE_BACK, way) for way in WAYS),
    ]
    notes = [
        f"{len(rgb_PHW3)} rendered photos of 256 x 256, one thread. Beforehand, all colors of the "
        "six faces of the RGB cube and every fifth level inside agreed with scikit-image in "
        f"float64 to {CLOSE:g}, by each way to Lab in the table, and huescape's picture of them, "
        "with the chroma half as large again, was the same level for level (scikit-image's in "
        "float32: to one level).",
        f"Largest differences from scikit-image in float64: {_listed(off)}.",
        "In a ratio both sides are called alike, once for all pixels or once for each photo; "
        "scikit-image is in the precision that is faster so. kornia is given planes.",
        "The limit reads and writes as many bytes and computes nothing. In one call every page of "
        "the result is new to the process; photo by photo the memory is used again.",
        f"Shares of the conversion in the cache: {_shares()}.",
    ]
    return Report(run.__doc__ or "", rows, ratios, notes)


def _rows(seconds: Seconds, millions: float) -> list[Row]:
    return [Row(name, "Mpixel/s", harness.rate(found, millions)) for name, found in seconds.items()]


def _listed(off: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1g}" for name, value in off.items())


def _to_lab() -> dict[str, Callable[[Pixels], FloatArray]]:
    """Each way from (..., 3) levels to Lab of the same shape; kornia's, on planes, is apart."""
    return {
        OURS: rgb_to_lab,
        SKIMAGE[0]: color.rgb2lab,
        SKIMAGE[1]: lambda rgb: color.rgb2lab(img_as_float32(rgb)),
        NUMPY: numpy_lab,
    }


def _cases(rgb_PHW3: Pixels) -> dict[str, Callable[[], object]]:
    rgb_N3 = rgb_PHW3.reshape(-1, 3)
    cases: dict[str, Callable[[], object]] = {}
    for name, convert in _to_lab().items():
        cases |= _both_ways(name, convert, rgb_N3, rgb_PHW3)
    if kornia_or_none is not None:
        planes = torch.from_numpy(rgb_PHW3).permute(0, 3, 1, 2).contiguous()
        cases |= _both_ways(KORNIA, _kornia_lab, planes, planes)
    cases |= _both_ways(LIMIT, lambda rgb: rgb.astype(np.float32), rgb_N3, rgb_PHW3)
    return cases


def _back_cases(rgb_PHW3: Pixels) -> dict[str, Callable[[], object]]:
    lab_PHW3 = rgb_to_lab(rgb_PHW3) * WIDER
    lab_N3 = lab_PHW3.reshape(-1, 3)
    parts_N = lab_N3[:, 0].copy(), lab_N3[:, 1:].copy()
    parts_P = list(zip(lab_PHW3[..., 0].copy(), lab_PHW3[..., 1:].copy(), strict=True))
    double_PHW3 = lab_PHW3.astype(np.float64)
    double_N3 = double_PHW3.reshape(-1, 3)
    return {
        **_both_ways(OURS_BACK, lambda parts: lab_to_picture(*parts), parts_N, parts_P),
        **_both_ways(SKIMAGE_BACK[0], _skimage_picture, double_N3, double_PHW3),
        **_both_ways(SKIMAGE_BACK[1], _skimage_picture, lab_N3, lab_PHW3),
    }


def _both_ways(
    name: str, convert: Callable[[Any], Sized], whole: Any, photo_by_photo: Iterable[Any]
) -> dict[str, Callable[[], object]]:
    """One call for everything, and one for each photo, whose result is dropped at once."""
    return {
        f"{name}, {WAYS[0]}": lambda: convert(whole),
        f"{name}, {WAYS[1]}": lambda: [len(convert(photo)) for photo in photo_by_photo],
    }


def _fastest(
    seconds: Seconds, ours: str, peers: Iterable[str], way: str, target: float | None = None
) -> Ratio:
    """Against the peer with the lowest median of those that are called in the same way."""
    fastest = min(peers, key=lambda name: Spread.of(seconds[f"{name}, {way}"]).median)
    return _ratio(seconds, ours, fastest, way, target)


def _ratio(seconds: Seconds, ours: str, peer: str, way: str, target: float | None = None) -> Ratio:
    value = harness.times_faster(seconds[f"{peer}, {way}"], seconds[f"{ours}, {way}"])
    return Ratio(f"{ours} / {peer}, {way}", value, target)


def _others(seconds: Seconds) -> list[Ratio]:
    peers = [name for name in (NUMPY, KORNIA) if f"{name}, {WAYS[0]}" in seconds]
    found = [_ratio(seconds, OURS, peer, way) for peer in peers for way in WAYS]
    for way in WAYS:
        value = harness.times_faster(seconds[f"{LIMIT}, {way}"], seconds[f"{OURS}, {way}"])
        found.append(Ratio(f"share of the limit, {way}", value))
    return found


def _kornia_lab(planes: torch.Tensor) -> torch.Tensor:
    """Of (..., 3, H, W) levels, Lab of the same shape."""
    assert kornia_or_none is not None
    return cast("torch.Tensor", kornia_or_none.color.rgb_to_lab(planes.float() / 255))


def numpy_lab(rgb_N3: Pixels) -> Floats:
    """What one writes in a few lines: a table of the gamma curve, one matrix, one cube root."""
    encoded = np.arange(256) / 255
    table = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    xyz = table.astype(np.float32)[rgb_N3] @ color.colorconv.xyz_from_rgb.T.astype(np.float32)
    xyz /= np.array([0.95047, 1.0, 1.08883], np.float32)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), np.float32(7.787) * xyz + np.float32(16 / 116))
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _skimage_picture(lab_N3: FloatArray) -> Pixels:
    """In the precision of its input, which scikit-image keeps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about colors outside the gamut
        levels: Floats = np.rint(color.lab2rgb(lab_N3) * 255)
        return levels.astype(np.uint8)


def _check() -> dict[str, float]:
    """Each way to Lab against scikit-image in float64, and our way back level for level.

    Returns the largest difference of each way; raises SystemExit where one is too large.
    """
    levels = np.arange(256, dtype=np.uint8)
    face = np.stack(np.meshgrid(levels, levels, indexing="ij"), -1).reshape(-1, 2)
    faces = [np.insert(face, axis, end, axis=1) for axis in range(3) for end in (0, 255)]
    cube = np.stack(np.meshgrid(*[levels[::5]] * 3, indexing="ij"), -1).reshape(-1, 3)
    rgb_N3 = np.concatenate([*faces, cube])
    truth_N3 = color.rgb2lab(rgb_N3)
    found = {name: convert(rgb_N3) for name, convert in _to_lab().items() if name != SKIMAGE[0]}
    if kornia_or_none is not None:
        planes = torch.from_numpy(rgb_N3.T.copy()[:, None])
        found[KORNIA] = _kornia_lab(planes)[:, 0].T.numpy()
    off = {name: float(np.abs(lab_N3 - truth_N3).max()) for name, lab_N3 in found.items()}
    for name, most in off.items():
        if not most < CLOSE:
            raise SystemExit(f"lab: {name} is off by {most:g} from scikit-image: below {CLOSE:g}")
    _check_back(rgb_to_lab(rgb_N3) * WIDER)
    return off


def _check_back(lab_N3: Floats) -> None:
    """Our picture level for level; that of scikit-image in float32 to one level."""
    truth_N3 = _skimage_picture(lab_N3.astype(np.float64)).astype(int)
    wrong = int((lab_to_picture(lab_N3[:, 0], lab_N3[:, 1:]) != truth_N3).sum())
    if wrong:
        raise SystemExit(f"lab: {wrong} levels of a picture differ from scikit-image in float64")
    if np.abs(_skimage_picture(lab_N3) - truth_N3).max() > 1:
        raise SystemExit(f"lab: {SKIMAGE_BACK[1]} is off by more than a level from float64")


def _shares() -> str:
    """What part of the time each loop over a chunk takes, measured in the cache."""
    pixels = 1 << 13
    level_3C = np.random.default_rng(0).integers(0, 256, 3 * pixels, dtype=np.uint8)
    table_256 = np.linspace(0, 1, 256, dtype=np.float32)
    row = np.float32(0.4), np.float32(0.4), np.float32(0.2)
    planes_3C, lab_3C = np.empty((3, pixels), np.float32), np.empty(3 * pixels, np.float32)
    f_C = np.empty(pixels, np.float32)
    parts: dict[str, tuple[int, Callable[[], object]]] = {
        "the table of levels": (1, lambda: kernels._look_up(level_3C, table_256, *planes_3C)),
        "matrix and cube root": (3, lambda: kernels._lab_curve(*planes_3C, row, f_C)),
        "writing": (1, lambda: kernels._write_lab(*planes_3C, lab_3C)),
    }
    seconds = harness.measure({name: part for name, (_, part) in parts.items()}, rounds=51)
    taken = {name: times * Spread.of(seconds[name]).median for name, (times, _) in parts.items()}
    total = sum(taken.values())
    return ", ".join(f"{name} {value / total:.0%}" for name, value in taken.items())


if __name__ == "__main__":
    harness.run_command("lab", run)
