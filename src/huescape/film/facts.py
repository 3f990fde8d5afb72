"""What came of coloring a film, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass

# Of the announced frames: fewer are said. Sound may be a little longer than the picture, and some
# films tell the length of both together alone.
_FEW = 0.9


@dataclass(frozen=True)
class FilmFacts:
    """What was read and written.

    Attributes:
        frames: how many were colored.
        announced: about how many the film says that it has; None where nothing tells.
        cuts: how many scenes were found after the first; None without smoothing.
        undecodable: packets of the picture that gave no frame; where they were, the frame before is
            shown longer.
        damaged: frames that came with errors, and were colored as they came.
        mended: frames whose times did not rise, and were given others.
        lost: packets of sound or subtitles whose times the container did not take.
        ended: what stopped the reading before the film's end, or nothing.
        codec, encoder, pixel_format: of the source; what wrote the result, and in which form.
        size: rows and columns of a stored frame.
        seconds: from the first frame to the last.
        notes: what is not as in the source, a sentence each.
    """

    frames: int
    announced: int | None
    cuts: int | None
    undecodable: int
    damaged: int
    mended: int
    lost: int
    ended: str
    codec: str
    encoder: str
    pixel_format: str
    size: tuple[int, int]
    seconds: float
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line: `90 frames of 480 x 360, 1 scene, h264 to libx264, 3.1 frames a second`."""
        rows, columns = self.size
        parts = [f"{_of(self.frames, 'frame')} of {columns} x {rows}"]
        if self.cuts is not None:
            parts.append(_of(self.cuts + 1, "scene"))
        parts.append(f"{self.codec} to {self.encoder} {self.pixel_format}")
        parts.append(f"{self.frames / self.seconds:.1f} frames a second")
        return ", ".join(parts)

    @property
    def warnings(self) -> list[str]:
        """What a person must know, a sentence each."""
        counted = (
            (self.undecodable, "packet", "could not be decoded; the frame before is shown longer"),
            (self.damaged, "frame", "read with errors, colored all the same"),
            (self.mended, "frame", "without a proper time, given one"),
            (self.lost, "packet", "of sound or subtitles with times that do not rise, left out"),
        )
        found = [f"{_of(count, what)} {said}" for count, what, said in counted if count]
        if self.ended:
            found.append(f"the film could not be read to its end: {self.ended}")
        elif self.frames + self.undecodable < _FEW * (self.announced or 0):
            found.append(f"of about {_of(self.announced or 0, 'frame')}, {self.frames:,} came")
        return [*self.notes, *found]


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}" + "s" * (count != 1)
