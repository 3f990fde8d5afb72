"""A colored film, written: its picture encoded, everything else as it came."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from huescape.base.errors import HuescapeError
from huescape.film.encoders import Plan
from huescape.film.source import is_cover, said

# Whose covers are files of their own, not streams.
_ATTACHED = ("matroska", "webm")


class Writer:
    """Writes one film; to be used in a `with`, whose end completes it.

    Attributes:
        copied: the streams of the source of which packets are to be handed to `copy`.
        notes: what is left out, a sentence each.
        lost: how many packets of those streams the container did not take.
    """

    def __init__(self, path: Path, out: Path, muxer: str, plan: Plan) -> None:
        """Write to `path`, in messages `out`; HuescapeError where that cannot be."""
        self.copied: list[Stream] = []
        self.notes: list[str] = []
        self.lost = 0
        self._out, self._muxer = out, muxer
        self._targets: dict[int, Stream] = {}
        try:
            # `file:`, for FFmpeg takes what stands before a colon for a protocol.
            self._container = av.open(f"file:{path}", "w", format=muxer)
            self._picture = plan.add_to(self._container)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._refused(error) from error

    def take_over(self, source: InputContainer, picture: Stream) -> None:
        """Make place for the other streams, for chapters and for what is said of the film.

        What the container cannot hold is left out, and said in `notes`.
        """
        self._container.metadata.update(source.metadata)
        self._picture.metadata.update(picture.metadata)
        self._picture.disposition = picture.disposition
        for stream in source.streams:
            if stream.index != picture.index:
                self._make_place(stream)
        if chapters := source.chapters():
            self._container.set_chapters(chapters)

    def _make_place(self, stream: Stream) -> None:
        # FFmpeg would make a track of a still picture of it.
        is_lost = is_cover(stream) and self._muxer in _ATTACHED
        if is_lost or not holds(self._muxer, stream):
            name = stream.codec_context.name if stream.codec_context else "no known codec"
            self.notes.append(
                f"stream {stream.index} ({stream.type}, {name}) is left out: "
                f"{self._out.suffix} does not hold it"
            )
            return
        target = copied_stream(self._container, stream)
        self._targets[stream.index] = target
        self.copied.append(stream)
        if stream.type == "video" and not is_cover(stream):
            self.notes.append(f"stream {stream.index}, a second picture, is copied as it is")

    def copy(self, packet: Packet[Any]) -> None:
        """Write a packet of one of the `copied` streams."""
        packet.stream = self._targets[packet.stream.index]
        try:
            self._container.mux(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) or not isinstance(error, ValueError):
                raise self._refused(error) from error
            self.lost += 1  # times that do not rise, and the like

    def write(self, frame: VideoFrame | None) -> None:
        """Encode a frame; None is the end."""
        try:
            self._container.mux(self._picture.encode(frame))
        except av.error.FFmpegError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Complete the film: HuescapeError where the disk refuses."""
        try:
            self.write(None)
            self._container.close()
        except (OSError, av.error.FFmpegError) as error:
            raise self._refused(error) from error

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        with suppress(OSError, ValueError, av.error.FFmpegError):  # what stopped it counts
            self._container.close()

    def _refused(self, error: Exception) -> HuescapeError:
        reason = said(error) if isinstance(error, av.error.FFmpegError) else str(error)
        return HuescapeError(f"cannot write {self._out}: {reason}")


def holds(muxer: str, stream: Stream) -> bool:
    """Whether a container takes a stream as it is, up to its header."""
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as container:
            copied_stream(container, stream)
            container.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def copied_stream(container: OutputContainer, stream: Stream) -> Stream:
    """A place for a stream's packets in another container, with all that is said of it."""
    target = container.add_stream_from_template(stream, opaque=True)
    target.metadata.update(stream.metadata)
    target.disposition = stream.disposition
    return target
