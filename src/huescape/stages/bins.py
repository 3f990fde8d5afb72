"""Stage bins: where the color bins of a quantizer lie, learned from the training split."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.arrays import write_arrays
from huescape.base.boxes import Box
from huescape.base.errors import ParamsError
from huescape.base.progress import progress
from huescape.color.bins import CellHistogram, gamut_centers
from huescape.color.cells import cell_bin
from huescape.color.encoding import nearest_bin
from huescape.color.spaces import space as named_space
from huescape.params.places import PARAMS, RESIZED, bins_of
from huescape.params.quantizers import FrequentBins, GamutBins, QuantizerParams
from huescape.params.sections import read_entry
from huescape.shards import ShardSet

Array = npt.NDArray[Any]

# The grid of the `frequent` rule: ColorUNet's own limits for YUV, the corners of the plane for Lab.
_LIMITS = {"yuv": ((-0.45, 0.45), (-0.65, 0.65)), "lab": ((-110.0, 110.0), (-110.0, 110.0))}


def add_arguments(parser: ArgumentParser) -> None:
    """Which quantizer."""
    parser.add_argument("quantizer", help="a name under `quantizers:` in params.yaml")


def main(options: Namespace) -> dict[str, float]:
    """Learn the color bins of one quantizer."""
    name = options.quantizer
    quantizer = read_entry(PARAMS, "quantizers", name, QuantizerParams)
    return run(RESIZED, bins_of(name), quantizer.space, quantizer.bins)


def run(resized: Path, out: Path, space: str, params: GamutBins | FrequentBins) -> dict[str, float]:
    """Write `centers` (Q, 2) float64 and `counts` (Q,) int64 to `out`.

    `counts` are the training pixels of each bin: those it is nearest to or, of rule `frequent`,
    those of its cell and of dropped cells it is nearest to. That rule also writes the `borders`
    (2, C + 1) float64 of all cells and the `cells` (Q,) int64 that were kept. Padding is left out.
    The file's name is the quantizer's. Raises ParamsError when there are fewer occupied cells than
    bins asked for, HuescapeError when a file is missing or damaged.
    """
    photos = ShardSet.open(resized, "photos")
    if isinstance(params, GamutBins):
        arrays = {"centers": gamut_centers(space, params.step)}
        bin_of: Callable[..., Array] = nearest_bin
    else:
        arrays = _frequent(photos, space, params, out.stem)
        bin_of = cell_bin
    counts = np.zeros(len(arrays["centers"]), np.int64)
    for ab_N2 in _training_chroma(photos, space, "count bins"):
        counts += np.bincount(bin_of(ab_N2, **arrays), minlength=len(counts))
    write_arrays(out, **arrays, counts=counts)
    return {"bins": len(counts), "never_seen": int((counts == 0).sum())}


def _frequent(
    photos: ShardSet, space: str, params: FrequentBins, quantizer: str
) -> dict[str, Array]:
    histogram = CellHistogram(_LIMITS[space], params.cells)
    for ab_N2 in _training_chroma(photos, space, "count cells"):
        histogram.add(ab_N2)
    occupied = int(np.count_nonzero(histogram.counts))
    if params.n > occupied:
        raise ParamsError(
            f"quantizers.{quantizer}.bins.n is {params.n}; allowed: 1 to {occupied}, the cells "
            "that have pixels of training photos"
        )
    kept = histogram.frequent(params.n)
    return {"centers": kept.centers, "borders": histogram.borders, "cells": kept.cells}


def _training_chroma(photos: ShardSet, space: str, desc: str) -> Iterator[Array]:
    """The chroma (N, 2) of each training photo, without its padding."""
    from_rgb = named_space(space).from_rgb
    for row in progress(photos.rows("train").tolist(), desc=desc):
        rgb_HW3 = Box.of(photos.take("box", [row])[0]).cut(photos.take("rgb", [row])[0])
        yield from_rgb(rgb_HW3).reshape(-1, 3)[:, 1:]
