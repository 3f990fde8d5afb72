"""Stage prior: how frequent each bin is in the training split, and the weight it gets for it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from huescape.base.arrays import read_arrays, write_arrays
from huescape.base.errors import HuescapeError
from huescape.color.priors import (
    FloatArray,
    looks_unnatural,
    rebalancing_weights,
    smooth_prior,
    smooth_prior_by_index,
)
from huescape.figures import prior as figure_of
from huescape.params.places import FIGURES, PARAMS, SHARDS, bins_of, prior_of
from huescape.params.quantizers import PriorParams, QuantizerParams
from huescape.params.sections import read_entry
from huescape.shards.format import INDEX, maker, masses, read_index


def add_arguments(parser: ArgumentParser) -> None:
    """Which quantizer."""
    parser.add_argument("quantizer", help="a name under `quantizers:` in params.yaml")


def main(options: Namespace) -> dict[str, float]:
    """Estimate the prior of one quantizer, and its class weights."""
    name = options.quantizer
    quantizer = read_entry(PARAMS, "quantizers", name, QuantizerParams)
    figure = FIGURES / f"prior-{name}.png"
    paths = bins_of(name), SHARDS / name, prior_of(name), figure
    return run(*paths, quantizer.space, quantizer.prior)


def run(
    bins: Path, shards: Path, out: Path, figure: Path, space: str, params: PriorParams
) -> dict[str, float]:
    """Write `empirical`, `smoothed` and `weights`, each (Q,) float64, and the four-panel figure.

    The empirical prior is the mass of each bin in the encoding that training uses (from the index
    of the target shards). The weights follow Zhang et al. 2016, eq. 4; a bin without mass gets
    weight 0 where lambda is 0.
    """
    arrays = read_arrays(bins, "centers", stage=f"bins@{bins.stem}")
    centers = arrays["centers"]
    meta = read_index(shards, "targets").meta
    if _counts_cells(meta):
        arrays |= read_arrays(bins, "borders", "cells", stage=f"bins@{bins.stem}")
    mass = masses(meta, shards / INDEX, maker(shards, "targets")).astype(np.float64)
    if len(mass) != len(centers):
        raise HuescapeError(f"{shards}: has {len(mass)} bins, {bins} has {len(centers)}")
    if not mass.any():
        raise HuescapeError(f"{shards}: the training split has no pixel, so no bin has a frequency")
    empirical = mass / mass.sum()
    smoothed = _smoothed(empirical, centers, params)
    weights, empty = rebalancing_weights(smoothed, params.lam, params.uniform_over)
    warning = looks_unnatural(empirical, centers)
    if warning:
        print(f"huescape: warning: {warning}; see {figure}", file=sys.stderr)
    write_arrays(out, empirical=empirical, smoothed=smoothed, weights=weights)
    figure_of.draw(figure, arrays, empirical, smoothed, weights, space)
    return {
        "bins": len(centers),
        "never_seen": int((empirical == 0).sum()),
        "without_mass": empty,
        "largest_weight": float(weights.max()),
    }


def _counts_cells(meta: Mapping[str, Any]) -> bool:
    encode = meta.get("encode")
    return isinstance(encode, dict) and encode.get("method") == "cell"


def _smoothed(empirical: FloatArray, centers: FloatArray, params: PriorParams) -> FloatArray:
    if params.smoothing == "index":
        return smooth_prior_by_index(empirical, params.sigma)
    return smooth_prior(empirical, centers, params.sigma)
