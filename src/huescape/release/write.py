"""The folder of a release: weights in half precision, description, card and digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch

from huescape.base import atomic, digests
from huescape.base.errors import HuescapeError, ParamsError
from huescape.networks import Network
from huescape.params.decodings import Decoding
from huescape.params.places import RESIZED
from huescape.release.card import card
from huescape.release.precision import half_system, halved, moved_by_half
from huescape.release.project import Trained, facts_of
from huescape.systems.released import SECTION
from huescape.systems.system import CARD, DESCRIPTION, WEIGHTS, read_description

FILES = {WEIGHTS, DESCRIPTION, CARD, digests.SUMS}
MEGABYTE = 10**6


def release(
    trained: Trained, decoding: Decoding, notes: Mapping[str, str], out: Path, megabytes: float
) -> dict[str, float]:
    """Write the folder `out`, whole or not at all; the same inputs give the same bytes.

    Returns the size in bytes, and how far half precision moves colors. Raises ParamsError for a
    decoding that was not scored, HuescapeError where half precision moves colors too far, and for
    more than `megabytes`.
    """
    if decoding.name not in trained.scored:
        raise ParamsError(
            f"{decoding.name}: {trained.name} has no scores by this decoding for its card; "
            f"allowed: {', '.join(trained.scored)}, or another of evaluate.decodes"
        )
    moved = moved_by_half(trained.model, RESIZED, decoding)
    network = half_system(trained.model).network
    apart = bool(network.apart())
    facts = {**facts_of(trained, decoding), "apart": apart, "half_precision": asdict(moved)}
    files = _files(network, trained.model, facts)
    files[CARD] = card(trained.result, facts, notes, decoding.name).encode()
    size = sum(map(len, files.values()))
    if size > megabytes * MEGABYTE:
        raise HuescapeError(
            f"{trained.name}: would be {size / MEGABYTE:.1f} MB; allowed: {megabytes:g} "
            "(--max-megabytes)"
        )
    with atomic.fresh_directory(out) as fresh:
        for name, content in files.items():
            atomic.write_bytes(fresh / name, content)
        digests.seal(fresh)
    return {"bytes": float(size), "mean_ab": moved.mean, "high_ab": moved.high}


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Raise HuescapeError where `out` is there, and with `overwrite` where it is no release."""
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise HuescapeError(f"{out}: exists; name another folder, or add --overwrite")
    is_folder = out.is_dir() and not out.is_symlink()
    if not is_folder or not {path.name for path in out.iterdir()} <= FILES:
        raise HuescapeError(f"{out}: is there and no release; name another folder")


def _files(network: Network, model: Path, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Weights and description: what is not of the release is as the training left it."""
    state = {name: x.contiguous() for name, x in halved(network.own_state()).items()}
    weights = safetensors.torch.save(state)
    description = {
        **read_description(model),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        SECTION: dict(facts),
    }
    return {WEIGHTS: weights, DESCRIPTION: atomic.json_bytes(description)}
