"""From 8-bit RGB to Lab, and back to a picture, against scikit-image and others.

Shape suffixes: P photos, N pixels, 3 channels, C pixels of a chunk.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skimage import color
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
OURS_BACK = "huescape lab_to_picture"
SKIMAGE_BACK = "scikit-image lab2rgb, float64, rounded"
PEERS = {
    "scikit-image": "scikit-image rgb2lab, float64",
    "numpy": "NumPy, gamma table and cbrt, float32",
    "kornia": "kornia rgb_to_lab, float32",
}


def run(quick: bool) -> Report:
    """How many times as fast as scikit-image does 8-bit RGB become Lab?"""
    torch.set_num_threads(1)
    rgb_PHW3 = photos(2 if quick else 64)
    rgb_N3 = rgb_PHW3.reshape(-1, 3)
    _check()
    rounds = 2 if quick else harness.ROUNDS
    few_PHW3 = rgb_PHW3[::8]
    with threadpool_limits(1):
        seconds = harness.measure(_cases(rgb_PHW3), rounds)
        back = harness.measure(_back_cases(few_PHW3), rounds)
    millions, few_millions = len(rgb_N3) / 1e6, few_PHW3.size / 3e6
    rows = [Row(name, "Mpixel/s", harness.rate(found, millions)) for name, found in seconds.items()]
    if kornia_or_none is None:
        rows.append(Row(PEERS["kornia"], "Mpixel/s", None, "kornia is not installed"))
    rows += [Row(name, "Mpixel/s", harness.rate(t, few_millions)) for name, t in back.items()]
    ours = "huescape rgb_to_lab, one call"
    ratios = [
        Ratio(
            f"{ours} / scikit-image",
            harness.times_faster(seconds[PEERS["scikit-image"]], seconds[ours]),
            TARGET,
        ),
        *_others(seconds, ours),
        Ratio(
            "huescape lab_to_picture / scikit-image lab2rgb",
            harness.times_faster(back[SKIMAGE_BACK], back[OURS_BACK]),
        ),
    ]
    notes = [
        f"{len(rgb_PHW3)} rendered photos of 256 x 256, one thread. Beforehand, all colors of the "
        "six faces of the RGB cube and every fifth level inside agreed with scikit-image in "
        f"float64 to {CLOSE:g}, and the picture made of them was the same.",
        "The limit reads and writes as many bytes and computes nothing. In one call every page of "
        "the result is new to the process; photo by photo the memory is used again.",
        f"Shares of the conversion in the cache: {_shares()}.",
    ]
    return Report(run.__doc__ or "", rows, ratios, notes)


def _cases(rgb_PHW3: Pixels) -> dict[str, Callable[[], object]]:
    rgb_N3 = rgb_PHW3.reshape(-1, 3)
    cases: dict[str, Callable[[], object]] = {
        "huescape rgb_to_lab, one call": lambda: rgb_to_lab(rgb_N3),
        "huescape rgb_to_lab, photo by photo": lambda: [len(rgb_to_lab(p)) for p in rgb_PHW3],
        PEERS["scikit-image"]: lambda: color.rgb2lab(rgb_N3),
        PEERS["numpy"]: lambda: numpy_lab(rgb_N3),
        "limit: cast to float32, one call": lambda: rgb_N3.astype(np.float32),
        "limit: cast to float32, photo by photo": lambda: [
            len(p.astype(np.float32)) for p in rgb_PHW3
        ],
    }
    if kornia_or_none is not None:
        planes = torch.from_numpy(rgb_PHW3).permute(0, 3, 1, 2).contiguous()
        to_lab = kornia_or_none.color.rgb_to_lab
        cases[PEERS["kornia"]] = lambda: to_lab(planes.float() / 255)
    return cases


def _back_cases(rgb_PHW3: Pixels) -> dict[str, Callable[[], object]]:
    lab_N3 = rgb_to_lab(rgb_PHW3.reshape(-1, 3)) * WIDER
    light_N, ab_N2 = lab_N3[:, 0].copy(), lab_N3[:, 1:].copy()
    return {
        OURS_BACK: lambda: lab_to_picture(light_N, ab_N2),
        SKIMAGE_BACK: lambda: _skimage_picture(lab_N3),
    }


def _others(seconds: Mapping[str, list[float]], ours: str) -> list[Ratio]:
    found = [
        Ratio(f"{ours} / {name}", harness.times_faster(seconds[PEERS[name]], seconds[ours]))
        for name in ("numpy", "kornia")
        if PEERS[name] in seconds
    ]
    for way in ("one call", "photo by photo"):
        limit = seconds[f"limit: cast to float32, {way}"]
        value = harness.times_faster(limit, seconds[f"huescape rgb_to_lab, {way}"])
        found.append(Ratio(f"share of the limit, {way}", value))
    return found


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about colors outside the gamut
        levels: Floats = np.rint(color.lab2rgb(lab_N3.astype(np.float64)) * 255)
        return levels.astype(np.uint8)


def _check() -> None:
    """Each way to Lab against scikit-image in float64, and the way back level for level."""
    levels = np.arange(256, dtype=np.uint8)
    face = np.stack(np.meshgrid(levels, levels, indexing="ij"), -1).reshape(-1, 2)
    faces = [np.insert(face, axis, end, axis=1) for axis in range(3) for end in (0, 255)]
    cube = np.stack(np.meshgrid(*[levels[::5]] * 3, indexing="ij"), -1).reshape(-1, 3)
    rgb_N3 = np.concatenate([*faces, cube])
    truth_N3, lab_N3 = color.rgb2lab(rgb_N3), rgb_to_lab(rgb_N3)
    for name, found_N3 in (("huescape", lab_N3), ("the NumPy peer", numpy_lab(rgb_N3))):
        off = float(np.abs(found_N3 - truth_N3).max())
        if not off < CLOSE:
            raise SystemExit(f"lab: {name} is off by {off:g} from scikit-image: below {CLOSE:g}")
    wide_N3 = lab_N3 * WIDER
    picture_N3 = lab_to_picture(wide_N3[:, 0], wide_N3[:, 1:])
    wrong = int((picture_N3 != _skimage_picture(wide_N3)).sum())
    if wrong:
        raise SystemExit(f"lab: {wrong} levels of a picture differ from scikit-image in float64")


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
