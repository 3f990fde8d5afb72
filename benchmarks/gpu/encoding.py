"""Section: soft encoding on the device against that of the project on the CPU.

Shape suffixes: N pixels, 2 chroma channels, Q bins, 5 nearest bins.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from benchmarks import harness
from benchmarks.gpu import torch_encoding
from benchmarks.gpu.session import Findings, Session
from benchmarks.harness import Ratio
from huescape.color.bins import gamut_centers
from huescape.color.encoding import soft_encode

_SIGMA, _STEP = 5.0, 10.0
# Of a distance, in units of chroma, and of a weight: float32 against exact arithmetic.
_DISTANCE, _WEIGHT = 1e-3, 1e-4
_CPU = "CPU, the project's"

Encode = Callable[[], torch_encoding.Encoded]


def run(session: Session, found: Findings) -> None:
    """How many Mpixel/s are soft-encoded to 5 of 313 bins, on the device and on the CPU?"""
    centers_Q2 = gamut_centers("lab", _STEP)
    ab_N2 = colors(session.pick(1 << 22, 1 << 12))
    cases = device_cases(session, ab_N2, centers_Q2)
    expected = soft_encode(ab_N2, centers_Q2, 5, _SIGMA)
    for name, encode in list(cases.items()):
        with found.part(name):
            if _right(found, name, encode(), expected, ab_N2, centers_Q2):
                continue
        del cases[name]
    timed: dict[str, Callable[[], object]] = dict(cases)
    timed[_CPU] = lambda: soft_encode(ab_N2, centers_Q2, 5, _SIGMA)
    seconds = session.measure(timed)
    for name, values in seconds.items():
        found.row(name, "Mpixel/s", harness.rate(values, len(ab_N2) / 1e6))
    for name in cases:
        value = harness.times_faster(seconds[_CPU], seconds[name])
        found.ratios.append(Ratio(f"encoding: {name} / {_CPU}", value))
    found.notes.append(
        "encoding: colors and results stay on the device; the project's runs on "
        f"{torch.get_num_threads()} threads at most and writes arrays of the CPU"
    )


def colors(count: int) -> npt.NDArray[np.float32]:
    """Chroma (N, 2) as photos have it, mostly near gray, with some at the gamut's edge."""
    rng = np.random.default_rng(4)
    near_N2 = rng.normal(0, 18, (count, 2))
    far_N2 = rng.uniform(-100, 100, (count, 2))
    chosen_N1 = rng.random((count, 1)) < 0.02
    return np.where(chosen_N1, far_N2, near_N2).clip(-105, 105).astype(np.float32)


def device_cases(
    session: Session, ab_N2: npt.NDArray[np.float32], centers_Q2: npt.NDArray[np.float64]
) -> dict[str, Encode]:
    """The ways to encode on the device, by name."""
    on_device_N2 = torch.from_numpy(ab_N2).to(session.device)
    table = torch_encoding.grid_table(centers_Q2, _STEP, session.device)
    compiled = torch.compile(torch_encoding.by_grid, dynamic=False)
    return {
        "search by cdist and topk": lambda: torch_encoding.search(
            on_device_N2, table.centers_Q2, _SIGMA
        ),
        "the grid's arithmetic": lambda: torch_encoding.arithmetic(on_device_N2, table, _SIGMA),
        "the grid's arithmetic, compiled": lambda: torch_encoding.arithmetic(
            on_device_N2, table, _SIGMA, compiled
        ),
    }


def _right(
    found: Findings,
    name: str,
    encoded: torch_encoding.Encoded,
    expected: tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32]],
    ab_N2: npt.NDArray[np.float32],
    centers_Q2: npt.NDArray[np.float64],
) -> bool:
    """Whether the bins are as near as the nearest five; at a tie either order will do."""
    index_N5, weight_N5 = (part.cpu().numpy() for part in encoded)
    distances = [
        np.linalg.norm(centers_Q2[index] - ab_N2[:, None].astype(np.float64), axis=-1)
        for index in (index_N5, expected[0].astype(np.int64))
    ]
    off = float(np.abs(distances[0] - distances[1]).max())
    weight_off = float(np.abs(weight_N5 - expected[1]).max())
    near = found.check(f"{name}: distance of the bins", off, _DISTANCE)
    return found.check(f"{name}: weights", weight_off, _WEIGHT) and near
