"""Color a film, from a file to a file: in constant memory, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from av.packet import Packet
from av.video.frame import VideoFrame

from huescape.base import atomic
from huescape.base.errors import HuescapeError, one_line
from huescape.base.interrupts import Interrupted
from huescape.base.memory import explained_by
from huescape.base.progress import progress
from huescape.coloring.manner import check_size
from huescape.coloring.prediction import seen_size
from huescape.film import encoders
from huescape.film.coloring import FilmColoring
from huescape.film.encoders import Kind
from huescape.film.facts import FilmFacts
from huescape.film.pictures import Packing, Unpacking, look_of, said_of
from huescape.film.places import refuse_conflict
from huescape.film.recognition import muxer_of
from huescape.film.settings import USUAL, Smoothing, Storing
from huescape.film.source import Source, first_frame, open_source
from huescape.film.stamps import Clock
from huescape.film.writer import Writer
from huescape.params.decodings import ANNEALED, Decoding
from huescape.systems.system import load_system, refuse_decoding


def color_film(
    model: Path,
    film: Path,
    out: Path,
    decoding: Decoding = ANNEALED,
    size: int | None = None,
    *,
    strength: float = 1.0,
    edges: bool = False,
    smoothing: Smoothing | None = USUAL,
    storing: Storing = Storing(),  # noqa: B008 - frozen
    overwrite: bool = False,
    asked: Sequence[str] = (),
    device: str = "cpu",
) -> FilmFacts:
    """Color a film into `out`, whose suffix names the container.

    `out` gets its name when it is complete; until then the film is a hidden file beside it, which
    the next run clears away where this one was killed, and begins anew. What is broken in the
    source is left out and counted.

    Args:
        model: the folder of a system.
        decoding, size, strength, edges: as in `coloring.painting.colorize`.
        smoothing: over time; None colors each frame alone.
        overwrite: whether a file `out` may be replaced; `film` itself never is.
        device: where the network computes.
        asked: the options that say how a distribution is decoded, refused for a regression.
    Raises:
        HuescapeError: `film` is none, or no frame of it can be read; `out` is there, or cannot be
            written. ParamsError: an option out of range, or a suffix that no film is written with.
            Interrupted: by Ctrl-C; nothing is written.
    """
    check_size(size)
    muxer = muxer_of(out)
    refuse_conflict(film, out, overwrite)
    first = first_frame(film)
    system = load_system(model, device)
    refuse_decoding(system, model.name, asked)
    size = seen_size(system, size)
    coloring = FilmColoring(system, decoding, size, strength, edges, smoothing)
    pixels = f"{first.width} x {first.height} pixels at --size {size}"
    out_of_memory = HuescapeError(f"{film}: out of memory for {pixels}; lower --size")
    with (
        explained_by(lambda: out_of_memory),
        _without_a_trace(film, out),
        open_source(film) as source,
        atomic.replace_file(out) as temporary,
    ):
        facts = _colored(source, first, coloring, (temporary, out, muxer), storing)
        refuse_conflict(film, out, overwrite)  # it may be there by now
    return facts


@contextmanager
def _without_a_trace(film: Path, out: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"{film}: interrupted; {out} is not written; the same command begins anew"
        ) from None


def _colored(
    source: Source,
    first: VideoFrame,
    coloring: FilmColoring,
    target: tuple[Path, Path, str],
    storing: Storing,
) -> FilmFacts:
    """Color all frames; `target` is the open file, the name that it will have, and the muxer."""
    start, unpacking, look = time.perf_counter(), Unpacking(first), look_of(first, source.video)
    kind = Kind(source.codec, first.format, source.rate, source.time_base)
    plan = encoders.plan(target[2], kind, unpacking.size, look, storing.crf)
    clock = Clock(source.time_base, plan.time_base, source.rate, source.end)
    packing = Packing(plan.pixel_format, plan.size, unpacking.turn, look)
    count = 0
    with Writer(*target, plan) as writer:
        writer.take_over(source.container, source.video)
        frames = progress(_frames(source, writer), source.frames, one_line(target[1].name), "frame")
        pictures = ((stamp, unpacking.picture(f)) for stamp, f in clock.stamped(frames))
        for stamp, picture in coloring.colored(pictures):
            writer.write(packing.frame(picture, stamp))
            count += 1
    return FilmFacts(
        frames=count,
        announced=source.frames,
        cuts=coloring.cuts,
        undecodable=source.damage.undecodable,
        damaged=source.damage.damaged,
        mended=clock.mended,
        lost=writer.lost,
        ended=source.damage.ended,
        codec=source.codec,
        encoder=plan.encoder,
        pixel_format=plan.pixel_format,
        size=plan.size,
        seconds=time.perf_counter() - start,
        notes=(*plan.notes, *writer.notes, *said_of(first)),
    )


def _frames(source: Source, writer: Writer) -> Iterator[VideoFrame]:
    """The frames of the picture; packets of all else are written as they come."""
    for part in source.parts(writer.copied):
        if isinstance(part, Packet):
            writer.copy(part)
        else:
            yield part
