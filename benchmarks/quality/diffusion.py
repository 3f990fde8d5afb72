"""Do colors diffused from where the network is confident score better than its own everywhere?

Prediction of the model that comes with huescape; diffused medians against the medians themselves,
and the annealed mean. `--factors` tries other thresholds, each so many times the top of the
training prior.

    python -m benchmarks.quality.diffusion PHOTO_OR_FOLDER… [--tau 0.4…] [--factors 0.5 1…]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from benchmarks.quality.photos import (
    Scores,
    add_photos,
    change,
    mean_of,
    photos_with_colors,
    print_table,
    shipped,
)
from huescape.color.confident import CONFIDENT, diffused
from huescape.coloring.painting import Field, along_lightness, field_of
from huescape.coloring.prediction import Prediction, predict
from huescape.params.decodings import ANNEALED, Decoding


def main() -> None:
    """Print a table of scores, and of differences from the median with the same tau."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    parser.add_argument("--tau", nargs="+", type=float, default=[0.0, 0.2, 0.4])
    parser.add_argument("--factors", nargs="+", type=float, default=[CONFIDENT])
    options = parser.parse_args()
    system, _ = shipped()
    rows = _rows(options.tau, options.factors)
    found: dict[str, list[Scores]] = {name: [] for name in rows}
    seconds = dict.fromkeys(rows, 0.0)
    for photo in photos_with_colors(options):
        prediction = predict(system, photo.rgb)
        for name, (_, make) in rows.items():
            start = time.process_time()
            field = make(prediction)
            seconds[name] += time.process_time() - start
            found[name].append(photo.scores(photo.chroma_of(field, system), system))
    cells = {}
    for name, (base, _) in rows.items():
        scores = found[name]
        means = [f"{mean_of(scores, key):{form}}" for key, form in _COLUMNS.items()]
        pair = (scores, found[base]) if base else None
        changes = [change(*pair, "AuC", 4), change(*pair, "PSNR", 2)] if pair else ["", ""]
        cells[name] = [*means, *changes, f"{seconds[name] / len(scores):.2f}"]
    print(f"{len(next(iter(found.values())))} photos\n")
    print_table(["", *_COLUMNS, "AuC from median", "PSNR from median", "s a photo"], cells)


_COLUMNS = {"AuC": ".4f", "PSNR": ".2f", "colorfulness": ".1f"}
_Rows = dict[str, tuple[str, Callable[[Prediction], Field]]]


def _rows(taus: Sequence[float], factors: Sequence[float]) -> _Rows:
    """By name: which row it is compared with, and its field."""
    rows: _Rows = {ANNEALED.name: ("", partial(field_of, decoding=ANNEALED, edges=False))}
    for tau in taus:
        median = Decoding(method="median", tau=tau)
        rows[median.name] = ("", partial(field_of, decoding=median, edges=False))
        for factor in factors:
            name = Decoding(method="diffuse", tau=tau).name
            name += f", threshold x {factor:g}" * (factor != CONFIDENT)
            rows[name] = (median.name, partial(_diffused, median=median, factor=factor))
    return rows


def _diffused(prediction: Prediction, median: Decoding, factor: float) -> Field:
    """As `field_of` with `diffuse`, with another threshold."""
    system, output_1Cmn = prediction.system, prediction.output_1Cmn
    chroma_12hw = diffused(
        output_1Cmn,
        system.chroma(output_1Cmn, median),
        torch.from_numpy(prediction.lightness_hw)[None, None],
        system.space.lightness_range,
        system.network.stride,
        factor * float(system.prior.max()),
    )
    return along_lightness(prediction, np.asarray(chroma_12hw[0].numpy()), own=True)


if __name__ == "__main__":
    main()
