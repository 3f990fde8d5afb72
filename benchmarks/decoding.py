"""The cost of choosing one color from a distribution, by each method, against the annealed mean.

Shape suffixes: Q bins, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks import harness
from huescape.color.bins import gamut_centers
from huescape.color.decoding import Method, decode

# Of a photo: what it may cost beside the annealed mean.
TARGETS: dict[tuple[Method, float], float] = {
    ("median", 0.0): 15.0,
    ("median", 0.4): 15.0,
    ("mode", 0.0): 2.0,
    ("mode", 0.4): 2.0,
    ("annealed", 0.4): 2.0,
}


def run(quick: bool) -> harness.Report:
    """How many times as long as the annealed mean does each decoding of a photo take?"""
    torch.set_num_threads(1)
    rows, ratios = [], []
    for name, logits_1QHW, centers_Q2 in _photos(quick):
        seconds = harness.measure(
            _cases(logits_1QHW, centers_Q2), rounds=2 if quick else harness.ROUNDS
        )
        for case, times in seconds.items():
            spread = harness.Spread.of([1000 * value for value in times])
            rows.append(harness.Row(f"{name}: {case}", "ms", spread))
        for (method, tau), target in TARGETS.items():
            case = _label(method, tau)
            value = harness.times_faster(seconds[case], seconds[_label("annealed", 0.0)])
            ratios.append(harness.Ratio(f"{name}: {case} / annealed", value, target, False))
    notes = [
        "A photo of 256 x 256, float32, one thread; random logits.",
    ]
    return harness.Report(run.__doc__ or "", rows, ratios, notes)


def _photos(quick: bool) -> list[tuple[str, Tensor, Tensor]]:
    """Name, logits (1, Q, H, W) and bins (Q, 2)."""
    rng, side = np.random.default_rng(0), 32 if quick else 256
    found = []
    for bins, stride in ((313, 4), (32, 1)):
        shape = (1, bins, side // stride, side // stride)
        logits_1QHW = torch.from_numpy(rng.normal(0, 3, shape).astype(np.float32))
        centers_Q2 = torch.from_numpy(gamut_centers()[:: 313 // bins][:bins].astype(np.float32))
        found.append((f"{bins} bins at stride {stride}", logits_1QHW, centers_Q2))
    return found


def _cases(logits_1QHW: Tensor, centers_Q2: Tensor) -> dict[str, Callable[[], object]]:
    prior_Q = torch.linspace(1, 4, len(centers_Q2)) ** 8
    return {
        _label(method, tau): partial(
            decode, logits_1QHW, centers_Q2, method, 0.38, tau, prior_Q if tau else None
        )
        for method, tau in (("annealed", 0.0), *TARGETS)
    }


def _label(method: str, tau: float) -> str:
    return f"{method} tau={tau:g}" if tau else method


if __name__ == "__main__":
    harness.run_command("decoding", run)
