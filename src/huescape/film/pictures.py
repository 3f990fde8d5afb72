"""Between frames as a codec has them and upright RGB pictures.

Everything that a codec stores is taken to RGB and back by the film's own matrix and range, so that
what it does not say is what a player would assume. Shape suffixes: H rows and W columns, upright.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from huescape.film.orientation import AS_IT_IS, Turn, turn_of
from huescape.film.stamps import Stamp

Pixels = npt.NDArray[Any]

# Of AVColorSpace: what FFmpeg can convert, and what stands for the rest.
_MATRICES = {1, 4, 5, 6, 7, 9}  # BT.709, FCC, BT.601 (625 lines, 525 lines), SMPTE 240M, BT.2020
_BT709, _BT601 = 1, 6
# What players take a film without a matrix for, by its size.
_HD = (1280, 577)
_HIGH_RANGE = (16, 18)  # of AVColorTransferCharacteristic
_EXACTLY = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


@dataclass(frozen=True)
class Look:
    """What is stored with a film's picture and says how it is shown.

    Attributes:
        matrix, range, primaries, transfer: of AVColorSpace, AVColorRange and so on.
        aspect: the width of a pixel by its height; None or 0 where it is not said.
        display: the nine numbers of the matrix by which it is turned, if any.
    """

    matrix: int
    range: int
    primaries: int = 2
    transfer: int = 2
    aspect: Fraction | None = None
    display: tuple[int, ...] | None = None


def look_of(first: VideoFrame, video: VideoStream) -> Look:
    """That of a film, by its first frame: what it does not say of matrix and range is settled."""
    display = matrix_stored(first)
    return Look(
        matrix_of(first),
        range_of(first),
        int(first.color_primaries),
        int(first.color_trc),
        video.sample_aspect_ratio,
        tuple(display) if display else None,
    )


def said_of(first: VideoFrame) -> Iterator[str]:
    """What a person must know of how a film was seen, by its first frame."""
    display = matrix_stored(first)
    if display and turn_of(display) is None:
        yield "it is turned by less than a quarter: the colors are found without that"
    if first.interlaced_frame:
        yield "it is interlaced: the result is stored as whole frames, with their combs"
    if first.color_trc in _HIGH_RANGE:
        yield "it has a high dynamic range (PQ or HLG), which the model knows nothing of"


def matrix_of(frame: VideoFrame) -> int:
    """The matrix by which luma and chroma are read, of AVColorSpace; by size where it is not said.

    Of a frame in RGB, BT.709.
    """
    if frame.format.is_rgb:
        return _BT709
    if frame.colorspace in _MATRICES:
        return int(frame.colorspace)
    return _BT709 if frame.width >= _HD[0] or frame.height >= _HD[1] else _BT601


def range_of(frame: VideoFrame) -> int:
    """Whether luma is from 16 to 235 or from 0 to 255, of AVColorRange; not said is the former."""
    is_full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return int(ColorRange.JPEG if is_full and not frame.format.is_rgb else ColorRange.MPEG)


def depth_of(format_: VideoFormat) -> int:
    """Bits of a level of the first channel; 8 of a palette."""
    return 8 if format_.has_palette else max(1, format_.components[0].bits)


def matrix_stored(frame: VideoFrame) -> list[int] | None:
    """The nine numbers of a frame's display matrix, if it has one."""
    if Type.DISPLAYMATRIX not in frame.side_data:
        return None
    data = bytes(frame.side_data[Type.DISPLAYMATRIX])  # type: ignore[typeddict-item]
    return [int(value) for value in np.frombuffer(data, np.int32)]


class Unpacking:
    """Makes upright pictures of the frames of one film.

    Attributes:
        turn: how its frames lie.
        size: rows and columns of its first frame, as it is stored; others are scaled to it.
    """

    def __init__(self, first: VideoFrame) -> None:
        matrix = matrix_stored(first)
        self.turn: Turn = (turn_of(matrix) if matrix else None) or AS_IT_IS
        self.size = first.height, first.width
        self._pixels = "rgb24" if depth_of(first.format) <= 8 else "rgb48le"
        # One, used again and again: a new one for each frame would keep its memory.
        self._reformatter = VideoReformatter()

    def picture(self, frame: VideoFrame) -> Pixels:
        """RGB (H, W, 3), upright, uint8, or uint16 of a film with more than 8 bits."""
        matrix, range_ = matrix_of(frame), range_of(frame)
        if not frame.format.is_rgb:
            frame.colorspace, frame.color_range = matrix, range_
        height, width = self.size
        rgb = self._reformatter.reformat(
            frame, width=width, height=height, format=self._pixels, interpolation=_EXACTLY
        )
        return self.turn.upright(rgb.to_ndarray())


class Packing:
    """Makes frames for an encoder of upright pictures.

    Attributes:
        size: rows and columns that are stored; the last ones of a picture are repeated up to it.
    """

    def __init__(self, pixel_format: str, size: tuple[int, int], turn: Turn, look: Look) -> None:
        self.size = size
        self._format, self._turn, self._look = pixel_format, turn, look
        self._reformatter = VideoReformatter()

    def frame(self, picture_HW3: Pixels, stamp: Stamp) -> VideoFrame:
        """A frame of the film's own matrix and range, to be shown at `stamp`."""
        stored_HW3 = self._turn.stored(picture_HW3)
        more = [(0, want - have) for want, have in zip(self.size, stored_HW3.shape, strict=False)]
        if any(after for _, after in more):
            stored_HW3 = np.pad(stored_HW3, [*more, (0, 0)], mode="edge")
        pixels = "rgb24" if stored_HW3.dtype == np.uint8 else "rgb48le"
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(stored_HW3), format=pixels)
        rgb.colorspace = self._look.matrix
        frame = self._reformatter.reformat(
            rgb, format=self._format, interpolation=_EXACTLY, dst_color_range=self._look.range
        )
        frame.pts, frame.duration = stamp.at, stamp.duration
        return frame
