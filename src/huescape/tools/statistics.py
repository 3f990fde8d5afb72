"""Tool statistics: the prior of any photos, and that of two sets of them side by side.

It runs the stages themselves, from download to prior, in a folder that is removed afterwards.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.arguments import given_path
from huescape.base.arrays import read_arrays
from huescape.base.atomic import fresh_directory
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.tables import NUMBER, TEXT, WHOLE, frame, write_table
from huescape.base.temporaries import temporary_folder
from huescape.color.divergence import entropy, jensen_shannon, kullback_leibler
from huescape.figures import two_priors
from huescape.params.download import DownloadParams
from huescape.params.load import Params, load_params
from huescape.params.photos import SplitParams
from huescape.params.places import PARAMS, refuse_kept
from huescape.params.sections import validate
from huescape.params.unseen import told_as
from huescape.params.yaml_files import parse_yaml
from huescape.shards.format import read_index
from huescape.sources.kinds import sources_of
from huescape.stages import bins, download, encode, prior, resize
from huescape.stages import filter as filtering

_SUMMARY = {"source": TEXT, "photos": WHOLE, "pixels": WHOLE, "entropy_bits": NUMBER}
_SUMMARY |= {"mean_chroma": NUMBER, "largest_share": NUMBER, "largest_smoothed": NUMBER}
_SUMMARY |= {"bins": WHOLE, "never_seen": WHOLE, "kl_bits": NUMBER, "js_bits": NUMBER}


@dataclass(frozen=True)
class _Counted:
    """One set of photos: its name and size, its bins and its prior."""

    name: str
    photos: int
    pixels: int
    bins: dict[str, npt.NDArray[Any]]
    prior: dict[str, npt.NDArray[Any]]


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, which bins, where to."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="one or two: a folder of photos, the name of a source in params.yaml, or a source as "
        "there: '{kind: div2k, root: /data/DIV2K}'",
    )
    parser.add_argument("-o", "--output", type=given_path, required=True, metavar="FOLDER")
    parser.add_argument("--quantizer", help="default: evaluate.prior of params.yaml")


def main(options: Namespace) -> None:
    """Count the prior of one or two sources, in tables and figures."""
    params = load_params(PARAMS)
    name = options.quantizer or params.evaluate.prior
    if name not in params.quantizers:
        allowed = ", ".join(sorted(params.quantizers))
        raise ParamsError(f"--quantizer is {name!r}; allowed: {allowed}")
    if len(options.sources) > 2:
        raise ParamsError(f"{len(options.sources)} sources; allowed: one or two")
    refuse_kept(options.output)
    if os.path.lexists(options.output):
        raise HuescapeError(f"{options.output}: exists; name another folder")
    chosen = {}
    for number, text in enumerate(options.sources, start=1):
        with told_as(key := f"SOURCE {number}"):
            chosen[key] = _download(text, params)
    names = [download.sources[0].name for download in chosen.values()]
    if len(set(names)) < len(names):
        raise ParamsError(f"two sources have the name {names[0]!r}; give each its own `name`")
    _refuse_inside(options.output, [*chosen.values()])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(options.output.parent) as work, fresh_directory(options.output) as out:
        counted: list[_Counted] = []
        for key, source in chosen.items():
            folder = work / key.replace(" ", "-")
            folder.mkdir()
            with told_as(key):
                counted.append(_count(source, params, name, folder, out, work / f"{name}.npz"))
        _write(out, counted, params.quantizers[name].space)
        print((out / "summary.csv").read_text(encoding="utf-8"), end="")


def _download(text: str, params: Params) -> DownloadParams:
    """The section `download` of one source alone."""
    named = {source.name: source for source in params.download.sources}
    if text in named:
        return DownloadParams(sources=(named[text],))
    if text.startswith("{"):
        entry = parse_yaml(text, Path("SOURCE"))
    elif Path(text).is_dir():
        entry = {"kind": "folder", "name": _name_of(Path(text)), "root": text}
    else:
        raise HuescapeError(
            f"{text}: no folder, and no source of {PARAMS}; allowed: a folder, "
            f"{', '.join(named)}, or a source in braces"
        )
    found = validate(DownloadParams, {"sources": [entry]}, "command line", ("download",))
    sources_of(found, "command line")  # its own options are not those of params.yaml
    return found


def _refuse_inside(output: Path, chosen: Sequence[DownloadParams]) -> None:
    """Its figures would be photos of the source, the next time."""
    for one in chosen:
        for root in one.sources[0].paths.values():
            folder = root.expanduser().resolve()
            if folder.is_dir() and output.resolve().is_relative_to(folder):
                raise ParamsError(
                    f"--output {output}: lies in {root}, whose photos are counted; allowed: a "
                    "folder outside"
                )


def _name_of(folder: Path) -> str:
    letters = "".join(c if c.isascii() and c.isalnum() else "_" for c in folder.resolve().name)
    return letters.lower().strip("_") or "folder"


def _count(
    source: DownloadParams, params: Params, name: str, folder: Path, out: Path, bins_file: Path
) -> _Counted:
    """Run the stages up to the prior; the first source's bins are those of the second."""
    quantizer, label = params.quantizers[name], source.sources[0].name
    every = SplitParams(val=0, test=0, honor_lists=False)
    kept = params.filter.model_copy(update={"categories": "all", "split": every})
    raw, catalog, resized = folder / "raw", folder / "catalog", folder / "resized"
    shards, prior_file = folder / "shards", folder / "prior.npz"
    download.run(raw, source)
    photos = filtering.run(raw, catalog, kept, is_tested=False)["kept"]
    resize.run(catalog, resized, params.resize)
    if not bins_file.exists():
        bins.run(resized, bins_file, quantizer.space, quantizer.bins)
    encode.run(resized, bins_file, shards, quantizer.space, quantizer.encode, name=name)
    figure = out / f"prior-{label}.png"
    prior.run(bins_file, shards, prior_file, figure, quantizer.space, quantizer.prior)
    meta = read_index(shards, "targets").meta
    grid = ("borders", "cells") if quantizer.encode.method == "cell" else ()
    return _Counted(
        label,
        int(photos),
        round(sum(meta["mass"]) / 2**24),
        read_arrays(bins_file, "centers", *grid),
        read_arrays(prior_file, "empirical", "smoothed", "weights"),
    )


def _write(out: Path, counted: list[_Counted], space: str) -> None:
    centers_Q2 = counted[0].bins["centers"]
    columns: dict[str, Any] = {"bin": range(len(centers_Q2))}
    columns |= {"first": centers_Q2[:, 0], "second": centers_Q2[:, 1]}
    for one in counted:
        for kind in ("empirical", "smoothed", "weights"):
            columns[f"{one.name}_{kind}"] = one.prior[kind]
    if len(counted) == 2:
        p_Q, q_Q = (one.prior["empirical"] for one in counted)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns["ratio"] = p_Q / q_Q
        shares = {one.name: one.prior["empirical"] for one in counted}
        two_priors.draw(out / "priors.png", counted[0].bins, shares, space)
    types = dict.fromkeys(columns, NUMBER) | {"bin": WHOLE}
    write_table(out / "bins.csv", frame(zip(*columns.values(), strict=True), types))
    rows = [_row(one, counted) for one in counted]
    write_table(out / "summary.csv", frame(rows, _SUMMARY))


def _row(one: _Counted, counted: list[_Counted]) -> tuple[object, ...]:
    """A line of the summary; the divergences are those from the other source."""
    p_Q = one.prior["empirical"]
    others = [other.prior["empirical"] for other in counted if other is not one]
    chroma = float((p_Q * np.hypot(*one.bins["centers"].T)).sum())
    peaks = float(p_Q.max()), float(one.prior["smoothed"].max())
    found = one.name, one.photos, one.pixels, entropy(p_Q), chroma, *peaks
    empty = len(p_Q), int((p_Q == 0).sum())
    if not others:
        return (*found, *empty, None, None)
    apart = kullback_leibler(p_Q, others[0]), jensen_shannon(p_Q, others[0])
    return (*found, *empty, *map(float, apart))
