"""The scoring of a test set against a plain loop; the network is left out on both sides.

Shape suffixes: H rows, W columns, 2 chroma channels, Q bins.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from benchmarks import harness, plain_scores
from benchmarks.harness import Ratio, Report, Row
from benchmarks.photo_chroma import SIDE, photos
from huescape.base import runtime
from huescape.color.bins import gamut_centers
from huescape.color.decoding import join
from huescape.color.encoding import nearest_bin
from huescape.color.priors import rebalancing_weights, smooth_prior
from huescape.color.spaces import SPACES, rgb_to_lab
from huescape.evaluation.loop import score_in_threads
from huescape.evaluation.scoring import Reference, Scored, Task, score_photo
from huescape.metrics import accuracy
from huescape.metrics.auc import distance_table
from huescape.metrics.photo import truth
from huescape.metrics.pictures import squared_error
from huescape.metrics.totals import Rules, Scores, Totals

TARGET = 10.0
TEMPERATURES = ("1", "0.5", "0.38", "0.2")
LAB = SPACES["lab"]
MACRO_PIXELS = 1000
# The plain loop's Lab is float64: now and then a pixel lies on the other side of a threshold, of a
# bin's border or of the border between two levels of its picture. Each score is allowed to differ
# by this much, in its own unit.
TOLERANCES = {
    1e-5: ("auc", "auc_photo_mean", "ssim"),
    1e-4: (
        *("auc_rebalanced", "auc_rebalanced_photo_mean", "auc_macro", "bin_accuracy"),
        *("psnr", "psnr_photo_mean"),
    ),
    1e-3: (
        *("bin_accuracy_balanced", "colorfulness"),
        *("delta_colorfulness", "delta_colorfulness_photos"),
    ),
}
CLOSE = {key: close for close, keys in TOLERANCES.items() for key in keys}
PLAIN, MASKS = "plain loop, one thread", "plain loop with masks, one thread"
OURS = ("huescape, one thread", f"huescape, {runtime.workers()} threads")


def run(quick: bool) -> Report:
    """How many times as fast as a plain loop are all scores of a test set computed?"""
    torch.set_num_threads(1)
    tasks, reference = _inputs(1 if quick else 16)
    few = tasks[: 1 if quick else 2]
    with threadpool_limits(1):
        differences = _check(few, reference)
        seconds = harness.measure(
            _cases(tasks, few, reference), rounds=2 if quick else harness.ROUNDS
        )
        shares = _shares(tasks[0], reference)
    return Report(
        run.__doc__ or "",
        _rows(seconds, len(tasks), len(few)),
        _ratios(seconds, len(tasks) / len(few)),
        _notes(len(tasks), len(few), shares),
        {"photos": len(tasks), "largest difference from the plain loop": differences},
    )


def _cases(
    tasks: list[Task], few: list[Task], reference: Reference
) -> dict[str, Callable[[], object]]:
    def plain(count: plain_scores.Count) -> object:
        return plain_scores.score(few, reference, MACRO_PIXELS, count)

    return {
        PLAIN: lambda: plain(plain_scores.by_histogram),
        MASKS: lambda: plain(plain_scores.by_masks),
        OURS[0]: lambda: _scores((_scored(task, reference) for task in tasks), reference),
        OURS[1]: lambda: _scores(score_in_threads(tasks, reference, LAB), reference),
    }


def _rows(seconds: Mapping[str, list[float]], photos: int, few: int) -> list[Row]:
    return [
        Row(name, "photos/s", harness.rate(found, photos if name in OURS else few))
        for name, found in seconds.items()
    ]


def _ratios(seconds: Mapping[str, list[float]], per: float) -> list[Ratio]:
    def ratio(ours: str, plain: str, target: float | None) -> Ratio:
        value = harness.times_faster(seconds[plain], seconds[ours], per)
        return Ratio(f"{ours} / {plain}", value, target)

    return [*(ratio(ours, PLAIN, TARGET) for ours in OURS), ratio(OURS[0], MASKS, None)]


def _notes(photos: int, few: int, shares: str) -> list[str]:
    allowed = "; ".join(f"{close:g}: {', '.join(keys)}" for close, keys in TOLERANCES.items())
    return [
        f"{photos} rendered photos of {SIDE} x {SIDE}, ten predictions of each: given chroma "
        f"at four temperatures, and the six baselines; the plain loop takes {few} of them. "
        f"Beforehand, all {len(CLOSE)} scores of each prediction of these agreed with the loop's "
        f"to (absolute, PSNR in dB, colorfulness in levels) {allowed}.",
        "The plain loop converts with scikit-image in float64, compares pictures with its PSNR and "
        "SSIM, finds bins with SciPy's k-d tree and counts distances with one np.bincount; its "
        "variant masks the pixels at each of the 151 thresholds instead.",
        f"Shares of one photo's time in huescape: {shares}.",
    ]


def _inputs(count: int) -> tuple[list[Task], Reference]:
    """Photos whose chroma is guessed more or less boldly, and their own prior."""
    found = photos(count + 1)
    centers_Q2 = gamut_centers()
    mass_Q = np.zeros(len(centers_Q2))
    tasks = []
    for number in range(count):
        rgb_HW3, donor_HW3 = found[number], found[number + 1]
        ab_HW2 = rgb_to_lab(rgb_HW3)[..., 1:]
        mass_Q += np.bincount(nearest_bin(ab_HW2, centers_Q2).ravel(), minlength=len(mass_Q))
        other_HW2 = rgb_to_lab(donor_HW3)[..., 1:]
        bold = zip(TEMPERATURES, (0.3, 0.6, 0.8, 1.2), strict=True)
        chroma = {name: _guess(ab_HW2, other_HW2, share) for name, share in bold}
        tasks.append(Task(str(number), rgb_HW3, chroma, donor_HW3, keep=()))
    prior_Q = mass_Q / mass_Q.sum()
    weight_Q, _ = rebalancing_weights(smooth_prior(prior_Q, centers_Q2, 5.0), 0.0)
    return tasks, Reference(centers_Q2, prior_Q, weight_Q)


def _guess(
    ab_HW2: npt.NDArray[np.float32], other_HW2: npt.NDArray[np.float32], share: float
) -> npt.NDArray[np.float32]:
    """Some of the true color, some of another photo's."""
    return np.ascontiguousarray(share * (0.8 * ab_HW2 + 0.3 * other_HW2), np.float32)


def _scored(task: Task, reference: Reference) -> Scored:
    return score_photo(task, reference, LAB)


def _scores(scored: Iterable[Scored], reference: Reference) -> dict[str, Scores]:
    totals: dict[str, Totals] = {}
    rules = Rules(reference.weight_Q, MACRO_PIXELS, 1)
    for photo in scored:
        for name, score in photo.scores.items():
            totals.setdefault(name, Totals(rules)).add(score)
    return {name: total.scores() for name, total in totals.items()}


def _check(tasks: Sequence[Task], reference: Reference) -> dict[str, float]:
    """Every score of every prediction against both plain loops, and the largest differences.

    Raises SystemExit where a score is missing on one side or differs by more than allowed.
    """
    ours = _scores(score_in_threads(tasks, reference, LAB), reference)
    differences = dict.fromkeys(CLOSE, 0.0)
    for count in (plain_scores.by_histogram, plain_scores.by_masks):
        plain = plain_scores.score(tasks, reference, MACRO_PIXELS, count)
        _same_names("predictions", ours, plain)
        for name, scores in plain.items():
            _same_names(f"scores of {name}", ours[name], scores)
            _same_names("tolerances", CLOSE, scores)
            for key, expected in scores.items():
                found = ours[name][key]
                off = _difference(found, expected)
                if not off <= CLOSE[key]:
                    raise SystemExit(
                        f"evaluation: {key} of {name} is {found}, by the loop {expected}"
                    )
                differences[key] = max(differences[key], off)
    return differences


def _same_names(what: str, ours: Iterable[str], plain: Iterable[str]) -> None:
    if apart := sorted(set(ours) ^ set(plain)):
        raise SystemExit(f"evaluation: {what} on one side only: {', '.join(apart)}")


def _difference(found: float | None, expected: float | None) -> float:
    """Infinite where only one of the two is undefined."""
    if found is None or expected is None:
        return 0.0 if found is expected else math.inf
    return abs(found - expected)


def _shares(task: Task, reference: Reference) -> str:
    """What part of a photo's time each part of its comparisons takes, all nine together."""
    centers_Q2, bins = reference.centers_Q2, len(reference.centers_Q2)
    true = truth(task.rgb_HW3, centers_Q2)
    lightness_HW = np.ascontiguousarray(true.lab_HW3[..., 0])
    ab_HW2 = task.chroma["0.38"]
    ab_N2, picture_HW3 = ab_HW2.reshape(-1, 2), join(lightness_HW, ab_HW2, LAB)
    predicted_N = nearest_bin(ab_N2, centers_Q2)
    parts: dict[str, Callable[[], object]] = {
        "SSIM": lambda: true.ssim.score(picture_HW3),
        "pictures": lambda: join(lightness_HW, ab_HW2, LAB),
        "bins": lambda: nearest_bin(ab_N2, centers_Q2),
        "distances": lambda: distance_table(ab_N2, true.ab_N2, true.bin_N, bins),
        "hits": lambda: accuracy.hits(predicted_N, true.bin_N, bins),
        "squared errors": lambda: squared_error(picture_HW3, task.rgb_HW3),
        "all": lambda: _scored(task, reference),
    }
    seconds = {name: _processor_seconds(part) for name, part in parts.items()}
    whole = seconds.pop("all")
    predictions = len(task.chroma) + 6
    named = {name: predictions * value / whole for name, value in seconds.items()}
    named["the truth, the donor and the rest"] = max(0.0, 1 - sum(named.values()))
    return ", ".join(f"{name} {share:.0%}" for name, share in named.items())


def _processor_seconds(part: Callable[[], object]) -> float:
    """The lowest of some runs, without the time in which the machine did something else."""
    found = []
    for _ in range(15):
        start = time.thread_time()
        part()
        found.append(time.thread_time() - start)
    return min(found)


if __name__ == "__main__":
    harness.run_command("evaluation", run)
