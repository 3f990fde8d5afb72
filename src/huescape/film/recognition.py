"""Which files are films, by their first bytes and their names, and where their results go.

Nothing heavy is imported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.regular import open_regular

#: The containers that a film is written into, by the suffix of the result: FFmpeg's names.
MUXERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
    ".mts": "mpegts",
    ".m2ts": "mpegts",
    ".mpg": "mpeg",
    ".mpeg": "mpeg",
}
#: Suffixes of films that are read besides.
READ = (".3gp", ".asf", ".dv", ".flv", ".ivf", ".m2v", ".mxf", ".nut", ".ogv", ".vob", ".wmv")

# A folder is hardly called so.
_STILLS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".avif", ".heic")
_INSTEAD = ".mkv"  # which holds nearly every codec, sound and subtitle
_PHOTOS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")
_FILMS = (
    b"\x1aE\xdf\xa3",  # Matroska and WebM
    b"FLV\1",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # Windows Media
    b"\0\0\1\xba",  # MPEG, as on a DVD
)
_MOVIE_ATOMS = (b"moov", b"mdat", b"wide")
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1")
_SOUND_BRANDS = (b"M4A ", b"M4B ")
_TS_PACKETS = (188, 192)  # from a broadcast; from a camera, with four bytes before each
_TS_SYNC = 0x47


def is_film(path: Path) -> bool:
    """Whether a file is to be colored as a film: by its first bytes, else by its suffix.

    What cannot be read, or is not recognized, is one if it is called one. A folder never is.
    """
    if path.is_dir():
        return False
    try:
        with open_regular(path) as file:
            head = file.read(600)
    except OSError:
        head = b""
    if _begins_like_film(head):
        return True
    return path.suffix.lower() in {*MUXERS, *READ} and not _begins_like_photo(head)


def _begins_like_film(head: bytes) -> bool:
    if head[4:8] == b"ftyp":
        return head[8:12] not in {*_STILL_BRANDS, *_SOUND_BRANDS}
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    return head.startswith(_FILMS) or head[4:8] in _MOVIE_ATOMS or _is_transport_stream(head)


def _begins_like_photo(head: bytes) -> bool:
    if head[4:8] == b"ftyp":
        return head[8:12] in _STILL_BRANDS
    return head.startswith(_PHOTOS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _is_transport_stream(head: bytes) -> bool:
    starts = (head[packet - _TS_PACKETS[0] :: packet] for packet in _TS_PACKETS)
    return any(len(found) > 2 and set(found) == {_TS_SYNC} for found in starts)


def muxer_of(out: Path) -> str:
    """The container that the suffix of `out` asks for; ParamsError where there is none."""
    try:
        return MUXERS[out.suffix.lower()]
    except KeyError:
        allowed = " ".join(MUXERS)
        raise ParamsError(
            f"{out}: no film is written as {out.suffix or 'a name without a suffix'}; "
            f"allowed: {allowed}"
        ) from None


def result_paths(films: Sequence[Path], out: Path) -> list[Path]:
    """Where each colored film goes: all different, and none a film of the list.

    That is `out` itself, where it names a film; else it is a folder, in which a film keeps its
    name, numbered (`name-2.mp4`) where that is taken, and its suffix where that can be written,
    else has `.mkv`. Raises ParamsError where `out` is one film and there are several, and where it
    names a file of another kind.
    """
    suffix = "" if out.is_dir() else out.suffix.lower()
    if suffix in {*READ, *_STILLS}:
        muxer_of(out)  # which refuses it
    if suffix in MUXERS:
        if len(films) > 1:
            raise ParamsError(f"{out}: names one film, and {len(films)} are given; name a folder")
        return [out]
    taken = {_key(film) for film in films}
    results = []
    for film in films:
        suffix = film.suffix if film.suffix.lower() in MUXERS else _INSTEAD
        result, number = out / f"{film.stem}{suffix}", 1
        while _key(result) in taken:
            number += 1
            result = out / f"{film.stem}-{number}{suffix}"
        taken.add(_key(result))
        results.append(result)
    return results


def refuse_conflict(film: Path, out: Path, overwrite: bool) -> None:
    """Raise HuescapeError if a result would take the place of what is there."""
    if not os.path.lexists(out):
        return
    if out.exists() and film.exists() and out.samefile(film):
        raise HuescapeError(f"{out}: is the film to color; name another result")
    if out.is_dir():
        raise HuescapeError(f"{out}: is a folder; name a file for the colored film")
    if not overwrite:
        raise HuescapeError(f"{out}: is there already; name another result, or add --overwrite")


def _key(path: Path) -> str:
    """What two names of one file share; case-insensitive, because the disk may be."""
    return str(path.resolve()).casefold()
