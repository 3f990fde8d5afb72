"""The exact nearest of any bins against SciPy's k-d tree.

Shape suffixes: P photos, N pixels, 2 chroma channels, Q bins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from benchmarks import harness
from benchmarks.photo_chroma import chroma
from huescape.color.bins import gamut_centers
from huescape.color.encoding import nearest_bin
from huescape.color.search import candidate_table

TARGET = 20.0
VIVID = 0.01  # share of pixels with a color of the gamut's edge
SHARE = 16  # the tree takes one pixel in so many: its speed does not depend on the number


@dataclass(frozen=True)
class Case:
    """Bins (Q, 2) in a space, and photos (P, N, 2)."""

    name: str
    centers_Q2: npt.NDArray[np.float64]
    ab_PN2: npt.NDArray[np.float32]

    @property
    def few_N2(self) -> npt.NDArray[np.float32]:
        """One pixel in SHARE."""
        return np.ascontiguousarray(self.ab_PN2.reshape(-1, 2)[::SHARE])


def run(quick: bool) -> harness.Report:
    """How many times as fast as SciPy's k-d tree is the exact nearest of any bins?"""
    rows, ratios, notes, facts = [], [], [], {}
    for case in _cases(quick):
        _check(case)
        ab_N2, few_N2 = case.ab_PN2.reshape(-1, 2), case.few_N2
        seconds = harness.measure(_measured(case), rounds=2 if quick else harness.ROUNDS)
        found = {
            "SciPy cKDTree, workers=1": (seconds["tree"], len(few_N2)),
            "huescape, one call": (seconds["one call"], len(ab_N2)),
            "huescape, photo by photo": (seconds["photos"], len(ab_N2)),
        }
        rows += [
            harness.Row(f"{case.name}: {name}", "Mpixel/s", harness.rate(times, pixels / 1e6))
            for name, (times, pixels) in found.items()
        ]
        rows.append(
            harness.Row(f"{case.name}: its table", "s", harness.Spread.of(seconds["table"]))
        )
        for name in ("one call", "photos"):
            value = harness.times_faster(seconds["tree"], seconds[name], len(ab_N2) / len(few_N2))
            ratios.append(harness.Ratio(f"{case.name}: {name} / cKDTree", value, TARGET))
        facts[f"{case.name}: searched share"] = _searched_share(case)
    shares = "; ".join(f"{name.split(':')[0]} {share:.0%}" for name, share in facts.items())
    notes = [
        "Rendered sample photos of 256 x 256, float32, one thread; "
        f"{VIVID:.0%} of the pixels in colors of the faces of the RGB cube. The tree takes one "
        f"pixel in {SHARE}; on these all distances in float64 gave the same bins beforehand.",
        f"Share of pixels whose cell has several candidates, which are compared: {shares}. They "
        "take most of the time where they are many; where they are few, the look-up and the "
        "writing of eight bytes a pixel do.",
    ]
    return harness.Report(run.__doc__ or "", rows, ratios, notes, facts)


def _cases(quick: bool) -> list[Case]:
    cases = []
    for space in ("lab", "yuv"):
        ab_PN2 = chroma(space, 2 if quick else 64, VIVID)
        for bins in (32, 313):
            centers_Q2 = _k_means(ab_PN2.reshape(-1, 2), bins)
            cases.append(Case(f"{bins} k-means bins, {space}", centers_Q2, ab_PN2))
        if space == "lab":
            cases.append(Case("313 grid bins, lab", gamut_centers(), ab_PN2))
    return cases


def _k_means(ab_N2: npt.NDArray[np.float32], bins: int) -> npt.NDArray[np.float64]:
    """Bins (Q, 2) of some of the colors, by ten of Lloyd's steps from random colors."""
    rng = np.random.default_rng(bins)
    colors_N2 = ab_N2[rng.choice(len(ab_N2), 20_000, replace=False)].astype(np.float64)
    centers_Q2 = np.unique(colors_N2, axis=0)
    centers_Q2 = centers_Q2[rng.choice(len(centers_Q2), bins, replace=False)]
    for _ in range(10):
        _, bin_N = cKDTree(centers_Q2).query(colors_N2)
        count_Q = np.maximum(np.bincount(bin_N, minlength=bins), 1)
        for axis in (0, 1):
            centers_Q2[:, axis] = np.bincount(bin_N, colors_N2[:, axis], bins) / count_Q
    return centers_Q2


def _measured(case: Case) -> dict[str, Callable[[], object]]:
    ab_N2, few_N2 = case.ab_PN2.reshape(-1, 2), case.few_N2
    tree = cKDTree(case.centers_Q2)
    turn = iter(range(1, 1 << 20))

    def table() -> object:
        # Made once per process and set of bins: each turn gets bins of its own.
        return candidate_table(case.centers_Q2 * (1 + next(turn) * 1e-9), 1)

    return {
        "tree": lambda: tree.query(few_N2, workers=1),
        "one call": lambda: nearest_bin(ab_N2, case.centers_Q2),
        "photos": lambda: _each(case),
        "table": table,
    }


def _each(case: Case) -> None:
    """As a stage that writes each photo's result and drops it."""
    for ab_N2 in case.ab_PN2:
        nearest_bin(ab_N2, case.centers_Q2)


def _check(case: Case) -> None:
    """Against all distances in float64, the lower index at a tie; SystemExit at a difference."""
    few_N2, centers_Q2 = case.few_N2, case.centers_Q2
    index_N = nearest_bin(few_N2, centers_Q2)
    for start in range(0, len(few_N2), 1 << 13):
        part = slice(start, start + (1 << 13))
        ab_N2: npt.NDArray[Any] = few_N2[part].astype(np.float64)
        squared = (ab_N2[:, :1] - centers_Q2[:, 0]) ** 2 + (ab_N2[:, 1:] - centers_Q2[:, 1]) ** 2
        if not np.array_equal(squared.argmin(axis=1), index_N[part]):
            raise SystemExit(f"nearest bin: {case.name}: a bin differs from that of all distances")


def _searched_share(case: Case) -> float:
    cells = candidate_table(case.centers_Q2, 1).cells
    place_N2 = (case.few_N2 - [cells.corner_a, cells.corner_b]) * cells.inverse
    inside_N = ((place_N2 >= 0) & (place_N2 < cells.side)).all(axis=1)
    number_N2 = np.where(inside_N[:, None], place_N2, 0).astype(np.intp)
    answered_N = cells.code_C[number_N2 @ [cells.side, 1]] >= 0
    return float(1 - (answered_N & inside_N).mean())


if __name__ == "__main__":
    harness.run_command("nearest_bin", run)
