"""Which encoder, which form of pixels and which size a colored film is stored in.

As near to the source as what is installed allows: its own codec, depth and chroma resolution; what
a container or an encoder refuses is found by opening it, not from a list.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
import av.error
from av.codec import Codec
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from huescape.base.errors import HuescapeError, ParamsError
from huescape.film.pictures import Look, depth_of

#: The encoders of a codec that has several, or whose encoder has another name.
_OWN = {
    "h264": ("libx264",),
    "hevc": ("libx265",),
    "vp8": ("libvpx",),
    "vp9": ("libvpx-vp9",),
    "av1": ("libsvtav1",),
    "prores": ("prores_ks",),
    "gif": (),  # 256 colors
}
#: What is tried where a codec cannot be written.
_INSTEAD = ("libx264", "libvpx-vp9", "libvpx", "mpeg4", "mpeg2video", "mjpeg")

#: The constant quality of each encoder that has one, near the source, by `docs/film.md`.
QUALITIES = {
    "libx264": 18,
    "libx265": 18,
    "libvpx": 10,
    "libvpx-vp9": 22,
    "libsvtav1": 20,
}
_OPTIONS = {
    "libx265": {"x265-params": "log-level=none"},
    "libvpx": {"b": "50M", "deadline": "good", "cpu-used": "4"},  # crf is a bound there
    "libvpx-vp9": {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
    "libsvtav1": {"preset": "8"},
}
# Of MPEG-4, whose time base has no more than 16 bits.
_COARSER = Fraction(1, 60000)
_DEPTHS = (10, 12, 16)
# Of encoders without: the quantizer 2 of 31, in FFmpeg's units of 1 / 118.
_FINE = {"flags": "+qscale", "global_quality": str(2 * 118)}


@dataclass(frozen=True)
class Kind:
    """What a film's picture is stored as.

    Attributes:
        codec: FFmpeg's name.
        pixels: the form of its pixels.
        rate: frames a second on average, if known.
        time_base: of its time stamps, seconds.
    """

    codec: str
    pixels: VideoFormat
    rate: Fraction | None
    time_base: Fraction


@dataclass(frozen=True)
class Plan:
    """How a picture is to be stored.

    Attributes:
        encoder: FFmpeg's name.
        pixel_format: FFmpeg's name, with color.
        size: rows and columns.
        rate: frames a second, for what an encoder reckons with.
        time_base: of the time stamps, seconds.
        look: what is stored with it.
        options: of the encoder.
        notes: what is not as in the source, a sentence each.
    """

    encoder: str
    pixel_format: str
    size: tuple[int, int]
    rate: Fraction | None
    time_base: Fraction
    look: Look
    options: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def add_to(self, container: OutputContainer) -> VideoStream:
        """The stream of the picture in a new container.

        Raises ValueError or FFmpegError where the container does not hold it.
        """
        stream = container.add_stream(self.encoder, self.rate, options=dict(self.options))
        assert isinstance(stream, VideoStream)
        context, look = stream.codec_context, self.look
        context.height, context.width = self.size
        context.pix_fmt = self.pixel_format
        context.time_base = stream.time_base = self.time_base
        context.colorspace, context.color_range = look.matrix, look.range
        context.color_primaries, context.color_trc = look.primaries, look.transfer
        if look.aspect:
            context.sample_aspect_ratio = look.aspect
        if look.display:
            stream.set_display_matrix(look.display)
        return stream


def plan(
    muxer: str, source: Kind, size: tuple[int, int], look: Look, crf: int | None = None
) -> Plan:
    """The first that can be opened, the nearest to the source first.

    Args:
        muxer: the container's name.
        size: rows and columns.
        crf: in place of the encoder's own of QUALITIES.
    Raises:
        HuescapeError: nothing that is installed can write it. ParamsError: a `crf`, and the encoder
            has none.
    """
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells of its settings otherwise
    for found in _plans(source, size, look):
        if _opens(muxer, found):
            notes = tuple(_notes(found, source, size))
            options = {**found.options, **_quality(found.encoder, crf)}
            return replace(found, options=options, notes=notes)
    raise HuescapeError(
        f"no encoder here writes {size[1]} x {size[0]} pixels into {muxer}; name a result of "
        "another suffix: .mkv holds most"
    )


def _plans(source: Kind, size: tuple[int, int], look: Look) -> Iterator[Plan]:
    even = size[0] + size[0] % 2, size[1] + size[1] % 2
    bases = [source.time_base, _COARSER, *([1 / source.rate] if source.rate else [])]
    for encoder in encoders_of(source.codec):
        for pixels in _forms(encoder, source.pixels):
            for stored in dict.fromkeys((size, even)):
                for base in dict.fromkeys(bases):
                    options = dict(_OPTIONS.get(encoder, {}))
                    yield Plan(encoder, pixels, stored, source.rate, base, look, options)


def encoders_of(codec: str) -> Iterator[str]:
    """The encoders that are installed, that of the codec first."""
    wanted = *_OWN.get(codec, (codec,)), *_INSTEAD
    for name in dict.fromkeys(wanted):
        try:
            yield Codec(name, "w").name
        except UnknownCodecError:
            continue


def _forms(encoder: str, source: VideoFormat) -> list[str]:
    """The forms of pixels that an encoder takes, with color, nearest to the source first."""
    codec = Codec(encoder, "w")
    taken, depth = codec.video_formats, depth_of(source)
    # Few players show 444 of a lossy codec.
    chroma = "420" if source.is_rgb and codec.lossy else _chroma(source)
    # As deep as the source or deeper, then less.
    depths = sorted(_DEPTHS, key=lambda d: (d < depth, abs(d - depth))) if depth > 8 else []
    names = [f"yuv{c}p{d}le" for c in (chroma, "420", "422", "444") for d in depths]
    names += [f"yuv{c}p" for c in (chroma, "420", "422", "444")]
    known = {format_.name for format_ in taken} if taken else {"yuv420p"}
    return [name for name in dict.fromkeys(names) if name in known]


def _chroma(source: VideoFormat) -> str:
    """`420` and so on; of gray, 420: as most films are stored, and color needs no more."""
    if source.is_rgb or source.has_palette:
        return "444"
    if len([c for c in source.components if not c.is_alpha]) < 3:
        return "420"
    shares = source.chroma_width(16), source.chroma_height(16)
    return {(16, 16): "444", (8, 16): "422", (4, 16): "411", (16, 8): "440"}.get(shares, "420")


def _opens(muxer: str, wanted: Plan) -> bool:
    """Whether a container takes it, up to its header."""
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as container:
            wanted.add_to(container)
            container.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _quality(encoder: str, crf: int | None) -> dict[str, str]:
    if encoder in QUALITIES:
        return {"crf": str(QUALITIES[encoder] if crf is None else crf)}
    if crf is not None:
        raise ParamsError(
            f"--crf: the encoder {encoder} has none; allowed with {', '.join(QUALITIES)}"
        )
    return _FINE if Codec(encoder, "w").lossy else {}


def _notes(found: Plan, source: Kind, size: tuple[int, int]) -> Iterator[str]:
    if Codec(found.encoder, "w").canonical_name != source.codec:
        yield f"{source.codec} cannot be written here; {found.encoder} writes it instead"
    if any(component.is_alpha for component in source.pixels.components):
        yield "transparency is left out"
    if found.size != size:
        yield (
            f"{found.encoder} takes even sizes alone: {size[1]} x {size[0]} pixels are stored as "
            f"{found.size[1]} x {found.size[0]}, the last row or column repeated"
        )
    if found.time_base not in (source.time_base, _COARSER):
        yield f"{found.encoder} takes one rate alone: times are rounded to {found.time_base} s"
