"""Photos in gray, colored and as they are, side by side on sheets, the worst colored first."""

from __future__ import annotations

import html
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huescape.base import atomic
from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.base.progress import progress
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.manner import check_size
from huescape.coloring.originals import on_photo
from huescape.coloring.painting import field_of, paint, unit
from huescape.coloring.prediction import predict, seen_size, shrunk
from huescape.figures import grid
from huescape.figures.side_by_side import gray
from huescape.metrics.auc import auc, distance_table
from huescape.metrics.chroma import unclipped_ab
from huescape.metrics.colorfulness import colorfulness
from huescape.params.decodings import Decoding
from huescape.photos.toning import ONE_TONE, own_chroma
from huescape.systems.system import System, load_system, refuse_decoding

Picture = npt.NDArray[np.uint8]

PHOTOS = 12  # on a sheet
_PICTURES = 6  # side by side: what a screen shows in their own size
_WIDTH, _LETTERS = 256, 14
# What a gallery consists of, and what desktops add to any folder.
_OWN = re.compile(r"index\.html|sheet-\d+\.png|\.DS_Store|Thumbs\.db|desktop\.ini")


@dataclass(frozen=True)
class Shown:
    """One photo of a gallery.

    Attributes:
        name: what stands below it.
        photo: as it is, (H, W, 3), shrunk to what the network sees.
        colored: by each decoding.
        auc: of each decoding, in [0, 1]; none for a photo that is gray itself.
    """

    name: str
    photo: Picture
    colored: tuple[Picture, ...]
    auc: tuple[float, ...]


def draw_gallery(
    model: Path,
    photos: Sequence[tuple[str, Path]],
    out: Path,
    decodings: Sequence[Decoding],
    size: int | None = None,
    overwrite: bool = False,
    asked: Sequence[str] = (),
) -> dict[str, float]:
    """Color photos and draw them into the folder `out`: sheets, and a page that shows them.

    Photos with colors of their own come first, by rising AuC of the first decoding; then those
    without, by name. All are held in memory as the network sees them: 0.5 MB each, and as much
    again for every further decoding.

    Args:
        photos: the name and the file of each.
        decodings: a column each; one of a regression.
        size: longer side that the network sees.
        asked: options that said how colors are chosen, which a regression cannot follow.
    Returns:
        The number of photos and sheets, and the mean AuC where there is one.
    Raises:
        HuescapeError: no system in `model`; `out` holds files that are no gallery's, or a gallery
            without `overwrite`, or cannot be written; no photo could be read. Some that could not
            are a line each on standard error, and the rest is drawn.
        ParamsError: a size out of range, no photo, or a decoding `asked` for of a regression.
    """
    check_size(size)
    if not photos:
        raise ParamsError("no photo to draw; allowed: photos, or folders that hold some")
    _refuse_others(out, overwrite)
    system = load_system(model)
    refuse_decoding(system, model.name, asked)
    atomic.insist_on_place(out)
    columns = decodings[:1] if system.head == "chroma" else decodings
    size = seen_size(system, size)
    shown = sorted(_colored(system, photos, columns, size), key=lambda one: (_rank(one), one.name))
    if not shown:
        raise HuescapeError(f"none of {len(photos)} photos could be read")
    titles = [_title(system, model.name, decoding) for decoding in columns]
    with atomic.fresh_directory(out) as folder:
        sheets = _draw_sheets(folder, shown, titles)
        atomic.write_text(folder / "index.html", _page(model.name, shown, titles, sheets))
    return {"photos": len(shown), "sheets": len(sheets)} | _mean_auc(shown)


def _refuse_others(out: Path, overwrite: bool) -> None:
    """Raise HuescapeError where the gallery would take the place of something."""
    if not os.path.lexists(out):
        return
    if out.is_symlink() or not out.is_dir():
        raise HuescapeError(f"{out}: is no folder; name another place")
    names = sorted(path.name for path in out.iterdir())
    others = [name for name in names if not _OWN.fullmatch(name)]
    if others:
        raise HuescapeError(f"{out}: holds {others[0]}, which is no gallery's; name another folder")
    if "index.html" in names and "sheet-001.png" not in names:
        raise HuescapeError(f"{out}: holds a page that is no gallery's; name another folder")
    if "sheet-001.png" in names and not overwrite:
        raise HuescapeError(f"{out}: holds a gallery; name another folder, or add --overwrite")


def _colored(
    system: System, photos: Sequence[tuple[str, Path]], decodings: Sequence[Decoding], size: int
) -> list[Shown]:
    """Those photos that can be read; a line for each of the others."""
    found, failures = [], []
    for name, path in progress(photos, desc="gallery"):
        try:
            work = partial(_look, system, name, decodings, size)
            found.append(on_photo(path, size, work))
        except HuescapeError as error:
            failures.append(one_line(f"{path}: {error}"))
    for line in failures:
        print(line, file=sys.stderr)
    return found


def _look(
    system: System, name: str, decodings: Sequence[Decoding], size: int, photo: Picture
) -> Shown:
    """Color and score a photo of any size, as the network sees it."""
    rgb_HW3 = shrunk(photo, size)
    lab_HW3 = rgb_to_lab(rgb_HW3)
    prediction = predict(system, rgb_HW3, size)
    lightness_HW, rows = prediction.lightness_hw, slice(0, len(rgb_HW3))
    has_colors = own_chroma(lab_HW3) >= ONE_TONE
    colored, scores = [], []
    for decoding in decodings:
        colored.append(paint(prediction, rgb_HW3, decoding))
        if has_colors:  # as in an evaluation, without edges
            field = field_of(prediction, decoding, edges=False)
            chroma_HW2 = field.at(lightness_HW.shape, rows, unit(lightness_HW, system.space))
            ab_HW2 = unclipped_ab(lightness_HW, chroma_HW2, system.space.name)
            scores.append(_auc(ab_HW2, lab_HW3[..., 1:]))
    return Shown(name, rgb_HW3, tuple(colored), tuple(scores))


def _auc(predicted_HW2: npt.NDArray[np.floating], true_HW2: npt.NDArray[np.floating]) -> float:
    predicted_N2, true_N2 = predicted_HW2.reshape(-1, 2), true_HW2.reshape(-1, 2)
    return auc(distance_table(predicted_N2, true_N2, np.zeros(len(true_N2), np.int64), 1))


def _rank(one: Shown) -> float:
    return one.auc[0] if one.auc else np.inf


def _title(system: System, name: str, decoding: Decoding) -> str:
    return name if system.head == "chroma" else f"{name}\n{decoding.name}"


def _draw_sheets(folder: Path, shown: Sequence[Shown], titles: Sequence[str]) -> list[str]:
    """The names of the files that were drawn."""
    columns = ["gray", *titles, *(["truth"] if any(one.auc for one in shown) else [])]
    across = max(1, _PICTURES // len(columns))
    names: list[str] = []
    for first in progress(range(0, len(shown), PHOTOS), desc="sheets", unit="sheet"):
        rows = [(_caption(one), _pictures(one)) for one in shown[first : first + PHOTOS]]
        names.append(f"sheet-{len(names) + 1:03d}.png")
        grid.draw(folder / names[-1], columns, rows, _WIDTH, across, _LETTERS)
    return names


def _pictures(one: Shown) -> list[Picture]:
    return [gray(one.photo), *one.colored, *([one.photo] if one.auc else [])]


def _caption(one: Shown) -> str:
    """The name, and the scores of each decoding in a line."""
    found = " / ".join(f"{colorfulness(picture):.1f}" for picture in one.colored)
    if not one.auc:
        return f"{one_line(one.name)}\ncolorfulness {found} (no colors of its own)"
    scores = " / ".join(f"{score:.3f}" for score in one.auc)
    true = f"truth {colorfulness(one.photo):.1f}"
    return f"{one_line(one.name)}\nAuC {scores}, colorfulness {found} ({true})"


def _mean_auc(shown: Sequence[Shown]) -> dict[str, float]:
    scores = [one.auc[0] for one in shown if one.auc]
    return {"auc": float(np.mean(scores))} if scores else {}


def _page(name: str, shown: Sequence[Shown], titles: Sequence[str], sheets: Sequence[str]) -> str:
    """A page of the sheets, one below the other."""
    mean = "".join(f"; mean AuC {score:.4f}, worst first" for score in _mean_auc(shown).values())
    words = html.escape(
        f"{len(shown)} photos, {', '.join(t.replace(chr(10), ' ') for t in titles)}"
    )
    images = "\n".join(
        f'<p><a href="{sheet}"><img src="{sheet}" alt=""></a></p>' for sheet in sheets
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(name)}: gallery</title></head>\n"
        f"<body>\n<p>{words}{mean}</p>\n{images}\n</body></html>\n"
    )
