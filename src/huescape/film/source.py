"""A film, opened: the frames of its picture and the packets of everything else, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from huescape.base.errors import HuescapeError
from huescape.base.regular import open_regular

# FFmpeg's names of what can hold a film; it knows playlists and subtitles in text, too, which would
# make it open other files or take a text for a film.
_DEMUXERS = (
    *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "mxf"),
    *("nut", "ivf", "dv", "yuv4mpegpipe", "h264", "hevc", "m4v", "obu"),
)

# Frames a second: what is told beyond it is the unit of a film's times.
_FASTEST = 300


@dataclass
class Damage:
    """What of a film could not be read.

    Attributes:
        undecodable: packets of the picture of which nothing came; their frames are missing.
        damaged: frames that came with errors, and were colored as they came.
        ended: what stopped the reading before the film's end, or nothing.
    """

    undecodable: int = 0
    damaged: int = 0
    ended: str = ""


@dataclass
class Source:
    """An open film.

    Attributes:
        container: as opened.
        video: the stream that is colored, the first that is no cover.
        damage: what could not be read, so far.
    """

    container: InputContainer
    video: VideoStream
    damage: Damage = field(default_factory=Damage)

    @property
    def codec(self) -> str:
        """The picture's codec, by FFmpeg's name: `h264`."""
        return self.video.codec_context.codec.canonical_name

    @property
    def time_base(self) -> Fraction:
        """The unit of the picture's time stamps, in seconds."""
        return self.video.time_base or Fraction(1, 90000)

    @property
    def rate(self) -> Fraction | None:
        """Frames a second, on average; None where it is not known."""
        told = self.video.average_rate, self.video.guessed_rate
        return next((rate for rate in told if rate and rate <= _FASTEST), None)

    @property
    def frames(self) -> int | None:
        """About how many frames there are; None where nothing tells."""
        if self.video.frames:
            return self.video.frames
        seconds = float((self.video.duration or 0) * self.time_base)
        if not seconds and self.container.duration:
            seconds = self.container.duration / av.time_base
        return round(seconds * self.rate) or None if self.rate else None

    @property
    def end(self) -> int | None:
        """When the last frame ends, in `time_base`; None where it is not known."""
        if self.video.duration is None:
            return None
        return (self.video.start_time or 0) + self.video.duration

    def parts(self, copied: list[Stream]) -> Iterator[VideoFrame | Packet[Any]]:
        """Frames of the picture, and packets of the streams that are `copied`, as they come."""
        self.video.thread_type = "AUTO"
        packets = self.container.demux(self.video, *copied)
        while (packet := self._next(packets)) is not None:
            if packet.stream.index == self.video.index:
                yield from self._decoded(packet)
            elif packet.size:
                yield packet

    def _next(self, packets: Iterator[Packet[Any]]) -> Packet[Any] | None:
        try:
            return next(packets, None)
        except av.error.FFmpegError as error:
            self.damage.ended = said(error)
            return None

    def _decoded(self, packet: Packet[Any]) -> Iterator[VideoFrame]:
        try:
            frames = self.video.decode(packet)
        except av.error.EOFError:  # asked for more after the last
            return
        except av.error.FFmpegError:
            self.damage.undecodable += 1
            return
        for frame in frames:
            self.damage.damaged += bool(frame.is_corrupt)
            yield frame


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a film; HuescapeError for what cannot be read, is no film, or has no picture."""
    try:
        open_regular(path).close()
        # `file:`, for FFmpeg takes what stands before a colon for a protocol.
        container = av.open(
            f"file:{path}",
            options={"format_whitelist": ",".join(_DEMUXERS)},
            metadata_errors="replace",
        )
    except av.error.FFmpegError as error:
        raise HuescapeError(f"{path}: is no film, or damaged: {said(error)}") from error
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror or error}") from error
    with container:
        yield Source(container, _picture(container, path))


def first_frame(path: Path) -> VideoFrame:
    """The first frame of a film that can be read; HuescapeError as `open_source`, and for none."""
    with open_source(path) as source:
        for part in source.parts([]):
            if isinstance(part, VideoFrame):
                return part
    why = f": {source.damage.ended}" if source.damage.ended else ""
    raise HuescapeError(f"{path}: no frame of it can be read{why}")


def said(error: av.error.FFmpegError) -> str:
    """What FFmpeg says of an error, on one line."""
    return " ".join(str(error.strerror or error).split())


def _picture(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        if is_cover(stream):
            continue
        if stream.codec_context is None:
            raise HuescapeError(f"{path}: its picture is of a codec that is not known here")
        return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise HuescapeError(f"{path}: has no picture to color; it holds {kinds}")


def is_cover(stream: Stream) -> bool:
    """Whether a stream is a still picture that stands for the film."""
    return bool(stream.disposition & Disposition.attached_pic)
