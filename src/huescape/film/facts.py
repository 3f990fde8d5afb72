"""What came of coloring a film, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FilmFacts:
    """What was read and written.

    Attributes:
        frames: how many were colored.
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
        parts = [f"{self.frames:,} frame{'s' * (self.frames != 1)} of {columns} x {rows}"]
        if self.cuts is not None:
            parts.append(f"{self.cuts + 1} scene{'s' * (self.cuts != 0)}")
        parts.append(f"{self.codec} to {self.encoder} {self.pixel_format}")
        parts.append(f"{self.frames / self.seconds:.1f} frames a second")
        return ", ".join(parts)

    @property
    def warnings(self) -> list[str]:
        """What a person must know, a sentence each."""
        counted = (
            (self.undecodable, "could not be decoded; the frame before is shown longer"),
            (self.damaged, "came with errors, and were colored as they came"),
            (self.mended, "had no time of their own, and were given one"),
            (self.lost, "of other streams had times that the result does not take: left out"),
        )
        words = ("packets of the picture", "frames", "frames", "packets")
        found = [
            f"{count:,} {what} {said}"
            for what, (count, said) in zip(words, counted, strict=True)
            if count
        ]
        if self.ended:
            found.append(f"the film could not be read to its end: {self.ended}")
        return [*self.notes, *found]
