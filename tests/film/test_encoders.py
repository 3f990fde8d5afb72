"""What a film is stored as: like the source where that is possible, and said where it is not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from av.video.format import VideoFormat

from huescape.base.errors import HuescapeError, ParamsError
from huescape.film import encoders
from huescape.film.encoders import Kind, Plan, plan
from huescape.film.pictures import Look

SIZE = (96, 128)


def planned(
    muxer: str, codec: str, pixels: str = "yuv420p", size: tuple[int, int] = SIZE, **more: object
) -> Plan:
    base = Fraction(1, 25) if muxer in ("avi", "mpeg") else Fraction(1, 12800)
    kind = Kind(codec, VideoFormat(pixels), Fraction(25), base)
    return plan(muxer, kind, size, Look(6, 1), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("muxer", "codec", "encoder"),
    [
        ("mp4", "h264", "libx264"),
        ("mp4", "hevc", "libx265"),
        ("webm", "vp8", "libvpx"),
        ("webm", "vp9", "libvpx-vp9"),
        ("matroska", "av1", "libsvtav1"),
        ("avi", "mpeg4", "mpeg4"),
        ("mpeg", "mpeg2video", "mpeg2video"),
        ("matroska", "ffv1", "ffv1"),
    ],
)
def test_the_source_s_own_codec(muxer: str, codec: str, encoder: str) -> None:
    found = planned(muxer, codec)
    assert (found.encoder, found.pixel_format, found.size) == (encoder, "yuv420p", SIZE)
    assert not [note for note in found.notes if "instead" in note]


@pytest.mark.parametrize(
    ("codec", "pixels", "stored"),
    [
        ("h264", "gray", "yuv420p"),
        ("h264", "gray10le", "yuv420p10le"),
        ("h264", "yuvj420p", "yuv420p"),
        ("h264", "yuv422p10le", "yuv422p10le"),
        ("h264", "yuv444p", "yuv444p"),
        ("h264", "nv12", "yuv420p"),
        ("h264", "gbrp", "yuv420p"),
        ("ffv1", "bgr0", "yuv444p"),
        ("ffv1", "gray16le", "yuv420p16le"),
        ("prores", "yuv444p12le", "yuv444p10le"),
    ],
)
def test_the_depth_and_the_chroma_of_the_source(codec: str, pixels: str, stored: str) -> None:
    muxer = "mov" if codec == "prores" else "matroska"
    assert planned(muxer, codec, pixels).pixel_format == stored


@pytest.mark.parametrize(
    ("muxer", "codec", "encoder"),
    [("mp4", "qtrle", "libx264"), ("webm", "h264", "libvpx-vp9"), ("mp4", "nothing", "libx264")],
)
def test_another_codec_is_said(muxer: str, codec: str, encoder: str) -> None:
    found = planned(muxer, codec)
    assert found.encoder == encoder
    assert found.notes == (f"{codec} cannot be written here; {encoder} writes it instead",)


def test_odd_sizes_stay_where_the_encoder_takes_them() -> None:
    odd = (361, 479)
    assert planned("webm", "vp9", size=odd).size == odd
    assert planned("mp4", "h264", "yuv444p", size=odd).size == odd
    found = planned("mp4", "h264", size=odd)
    assert found.size == (362, 480)
    assert "479 x 361 pixels are stored as 480 x 362" in found.notes[0]


def test_quality_is_near_the_source_or_as_asked() -> None:
    assert planned("mp4", "h264").options["crf"] == "18"
    assert planned("mp4", "hevc", crf=30).options["crf"] == "30"
    assert planned("avi", "mpeg4").options == encoders._FINE
    assert planned("matroska", "ffv1").options == {}
    with pytest.raises(ParamsError, match="--crf: the encoder mpeg4 has none; allowed with libx"):
        planned("avi", "mpeg4", crf=20)


def test_transparency_is_said_to_be_lost() -> None:
    assert planned("webm", "vp9", "yuva420p").notes == ("transparency is left out",)


def test_a_time_base_that_the_encoder_does_not_take() -> None:
    kind = Kind("mpeg4", VideoFormat("yuv420p"), Fraction(30000, 1001), Fraction(1, 90000))
    assert plan("mp4", kind, SIZE, Look(6, 1)).time_base == Fraction(1, 60000)
    kind = Kind("mpeg2video", VideoFormat("yuv420p"), Fraction(25), Fraction(1, 90000))
    found = plan("mpeg", kind, SIZE, Look(6, 1))
    assert found.time_base == Fraction(1, 25)
    assert found.notes == ("mpeg2video takes one rate alone: times are rounded to 1/25 s",)


def test_nothing_that_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "_INSTEAD", ())
    with pytest.raises(HuescapeError, match="no encoder here writes 128 x 96 pixels into webm"):
        planned("webm", "h264")
