"""Small films for the tests: rendered, encoded, and read again by av alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 25
MILLISECONDS = Fraction(1, 1000)


def waves(height: int, width: int, frames: int, speed: float = 1.0) -> list[np.ndarray]:
    """Mid tones that move to the left, uint8 (H, W, 3), a little colored."""
    y, x = np.mgrid[:height, :width]
    found = []
    for i in range(frames):
        x_HW = x + speed * i
        gray_HW = 128 + 40 * np.sin(x_HW / 5 + y / 7) + 20 * np.cos(x_HW / 11 - y / 5)
        found.append(np.stack([gray_HW, gray_HW + 9, gray_HW - 9], axis=-1).astype(np.uint8))
    return found


def make_film(
    path: Path,
    pictures: Sequence[np.ndarray],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    muxer: str | None = None,
    stamps: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 12800),
    sound: bool = False,
    subtitles: Sequence[str] = (),
    matrix: int = 6,
    range_: int = 1,
    rotation: int = 0,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    title: str = "",
) -> Path:
    """Encode `pictures`, 25 a second unless `stamps`, in `time_base`, say otherwise."""
    height, width = pictures[0].shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=muxer) as container:
        if title:
            container.metadata["title"] = title
        stream = container.add_stream(codec, RATE, options=options or {})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, pixels
        context.time_base = stream.time_base = time_base
        context.colorspace, context.color_range = matrix, range_
        if aspect:
            context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        text = _subtitle_stream(container) if subtitles else None
        audio = container.add_stream("aac", 44100) if sound else None
        for i, picture in enumerate(pictures):
            rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            rgb.colorspace = matrix
            frame = rgb.reformat(format=pixels, dst_color_range=range_)
            frame.pts = stamps[i] if stamps else round(i / RATE / time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            _hum(container, audio, len(pictures) / RATE)
        for i, line in enumerate(subtitles):
            packet = av.Packet(line.encode())
            packet.pts = packet.dts = 100 * i
            packet.duration, packet.time_base, packet.stream = 90, MILLISECONDS, text
            container.mux(packet)
    return path


def _subtitle_stream(container: Any) -> Any:
    stream = container.add_mux_stream("subrip")
    stream.time_base = MILLISECONDS
    stream.metadata["language"] = "deu"
    return stream


def _hum(container: Any, stream: Any, seconds: float) -> None:
    time = np.arange(int(44100 * seconds)) / 44100
    wave = (0.2 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    for start in range(0, len(wave), 1024):
        part = np.ascontiguousarray(np.stack([wave[start : start + 1024]] * 2))
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def frames_of(path: Path) -> list[av.VideoFrame]:
    """Every frame of the first picture."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def rgb_of(path: Path) -> list[np.ndarray]:
    """Every frame as RGB by the film's own matrix and range, uint8 (H, W, 3) as stored."""
    return [frame.to_ndarray(format="rgb24") for frame in frames_of(path)]


def times_of(path: Path) -> list[float]:
    """When each frame is shown, in seconds."""
    return [float(frame.pts * frame.time_base) for frame in frames_of(path)]


def packets_of(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """Time and content of each packet of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [
            (round(float(p.pts * p.time_base), 3), bytes(p))
            for p in container.demux(stream)
            if p.size
        ]
