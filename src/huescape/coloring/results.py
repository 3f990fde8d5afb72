"""One photo colored into one file: read, predicted, painted, encoded, recorded and named.

Shape suffixes: H rows and W columns of the photo.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xxhash

from huescape.base import atomic
from huescape.base.errors import HuescapeError, one_line
from huescape.base.memory import explained_by, is_out_of_memory
from huescape.base.pool import working_on
from huescape.coloring import kinds
from huescape.coloring.album import source_of
from huescape.coloring.encoded import encoded
from huescape.coloring.fields import chosen_field
from huescape.coloring.manner import Manner
from huescape.coloring.originals import (
    Original,
    on_white,
    out_of_memory,
    read_original,
    said_size,
    why_not,
)
from huescape.coloring.painting import GRAY, paint_field
from huescape.coloring.plan import Identity, Job, refuse_late
from huescape.coloring.prediction import as_rgb, eight_bits, predict, seen_size
from huescape.coloring.record import Entry, append
from huescape.coloring.splicing import Pieces
from huescape.photos import PhotoError, read_bytes
from huescape.systems.system import System, load_system

Pixels = npt.NDArray[Any]

_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_REASONS = {
    "missing": "not readable",
    "undecodable": "no photo or damaged",
    "unsupported": "of an unsupported kind",
    "too_large": "too large",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    Attributes:
        words: lines on what a person may want to know.
        failure: why there is no result, as a line; None for success.
        reason: the same in a few words, to be counted.
        is_hopeless: whether every other photo would fail alike.
    """

    words: tuple[str, ...] = ()
    failure: str | None = None
    reason: str = ""
    is_hopeless: bool = False


@dataclass(frozen=True)
class Colorist:
    """Colors one photo after another, in whatever process it is sent to.

    Attributes:
        model: folder of the system; it is loaded once in a process.
        device, threads: where and with how many threads of torch.
        manner: how.
        compares: whether a result is the photo in gray and colored, side by side.
        max_pixels: photos of more are refused.
        settings: what the record says of how it was done; None for no record.
        inputs: what is never written to.
    """

    model: Path
    device: str
    threads: int
    manner: Manner
    compares: bool
    max_pixels: int
    settings: Mapping[str, Any] | None
    inputs: frozenset[Identity]

    def __call__(self, job: Job) -> Outcome:
        """Color a photo; raises HuescapeError only for a model that cannot be loaded."""
        working_on(str(job.photo))
        system = loaded(self.model, self.device, self.threads)
        try:
            words = self._result(system, job)
        except HuescapeError as error:
            cause = error.__cause__
            is_hopeless = isinstance(cause, OSError) and cause.errno in _HOPELESS
            line = one_line(f"{job.photo}: {error}")
            return Outcome(failure=line, reason=_reason(cause), is_hopeless=is_hopeless)
        return Outcome(tuple(one_line(f"{job.photo}: {word}") for word in words))

    def _result(self, system: System, job: Job) -> list[str]:
        """Make, record and write one result; words on it."""
        before = _status(job.photo)
        try:
            pieces, words = self._encoded(system, job)
        except PhotoError as error:
            raise HuescapeError(why_not(error, job.photo)) from error
        refuse_late(job, self.inputs)
        entry = None
        if self.settings is not None and before is not None:
            entry = Entry(
                name=job.name,
                source=source_of(job.photo, job.out),
                source_size=before.st_size,
                source_mtime_ns=before.st_mtime_ns,
                settings=self.settings,
                size=sum(len(piece) for piece in pieces),
                xxh3=_digest(pieces),
            )
        _write(job, pieces, entry)
        return words

    def _encoded(self, system: System, job: Job) -> tuple[Pieces, list[str]]:
        """The file of a result; what is large and no longer needed is let go on the way."""
        kind = kinds.kind_of(Path(job.name).suffix) or "PNG"
        size, said = seen_size(system, self.manner.size), "the photo"
        with explained_by(lambda: out_of_memory(said, size)):
            original = read_original(read_bytes(job.photo), self.max_pixels)
            said = said_size(original.pixels)
            kept, words, is_lossless = original.metadata, original.words, original.is_lossless
            rgb_HW3, alpha_HW = colored(system, original, self.manner, kind, self.compares)
            del original
            pieces, more = encoded(kind, rgb_HW3, alpha_HW, kept, is_lossless)
        return pieces, [*words, *more]


def colored(
    system: System, original: Original, manner: Manner, kind: str, compares: bool = False
) -> tuple[Pixels, Pixels | None]:
    """RGB (H, W, 3) and alpha (H, W) of a result, as deep and transparent as `kind` can be.

    Where `compares`, (H, 2 W, 3): the photo in gray, and colored. Transparent pixels are predicted
    in front of white; where they stay transparent, they keep the lightness that they had.
    """
    seen = on_white(original.pixels, original.alpha)
    has_alpha = original.alpha is not None and kind in kinds.WITH_ALPHA
    photo, alpha = (original.pixels, original.alpha) if has_alpha else (seen, None)
    prediction = predict(system, seen, manner.size, as_print=manner.as_print)
    if photo.dtype != np.uint8 and kind not in kinds.SIXTEEN_BITS:
        photo = eight_bits(photo)
        alpha = None if alpha is None else eight_bits(alpha)
    photo = as_rgb(photo)
    space, field = system.space, chosen_field(prediction, photo, manner)
    rgb = paint_field(space, field, photo)
    if compares:
        rgb = np.concatenate([paint_field(space, GRAY, photo), rgb], axis=1)
        alpha = None if alpha is None else np.concatenate([alpha, alpha], axis=1)
    return rgb, alpha


@lru_cache(maxsize=1)
def loaded(model: Path, device: str, threads: int) -> System:
    """A system, once in a process, which then computes with so many threads."""
    torch.set_num_threads(threads)
    return load_system(model, device)


def _write(job: Job, pieces: Pieces, entry: Entry | None) -> None:
    """Give a result its name once it is on the disk and in the record."""
    with atomic.replace_file(job.target) as temporary:
        with temporary.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        if entry is not None:
            append(job.out, entry)


def _digest(pieces: Pieces) -> str:
    digest = xxhash.xxh3_128()
    for piece in pieces:
        digest.update(piece)
    return str(digest.hexdigest())


def _status(photo: Path) -> os.stat_result | None:
    try:
        return photo.stat()
    except OSError:  # which reading it will tell
        return None


def _reason(cause: BaseException | None) -> str:
    """Why there is no result, in a few words."""
    if isinstance(cause, PhotoError):
        return _REASONS.get(cause.reason, "not usable")
    if cause is not None and is_out_of_memory(cause):
        return "too large for the memory"
    return "not written" if isinstance(cause, OSError) else "refused"
