"""What a film holds besides its picture: covers, second pictures, fonts, and broken packets."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from huescape.film.encoders import Kind, plan
from huescape.film.pictures import Look
from huescape.film.recognition import MUXERS
from huescape.film.source import Source, open_source
from huescape.film.writer import Writer, copied_stream
from tests.film.films import frames_of, make_film, packets_of, waves


def written(source: Source, out: Path, spoil: Any = None) -> Writer:
    """`source` with another picture, its other packets copied; `spoil` changes some of them."""
    first = source.video.codec_context
    muxer = MUXERS[out.suffix]
    kind = Kind("h264", first.format, source.rate, source.time_base)
    chosen = plan(muxer, kind, (first.height, first.width), Look(6, 1))
    with Writer(out, out, muxer, chosen) as writer:
        writer.take_over(source.container, source.video)
        for part in source.parts(writer.copied):
            if isinstance(part, av.VideoFrame):
                part.pict_type = 0
                writer.write(part)
            else:
                if spoil:
                    spoil(part)
                writer.copy(part)
    return writer


def with_more(path: Path, film: Path, *kinds: str) -> Path:
    """The film with a cover, a second picture or a font."""
    with av.open(str(film)) as source, av.open(str(path), "w") as container:
        targets = {s.index: copied_stream(container, s) for s in source.streams}
        more = []
        for kind in kinds:
            if kind == "font":
                container.add_attachment("a.ttf", "font/ttf", b"no real font")
                continue
            stream = container.add_stream("mjpeg", 25, options={"strict": "unofficial"})
            stream.width, stream.height, stream.pix_fmt = 32, 24, "yuvj420p"
            if kind == "cover":
                stream.disposition = Disposition.attached_pic
                stream.metadata["filename"] = "cover.jpg"
            more.append(stream)
        for stream in more:
            frame = av.VideoFrame.from_ndarray(waves(24, 32, 1)[0], format="rgb24")
            frame = frame.reformat(format="yuvj420p")
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        for packet in source.demux():
            if packet.size:
                packet.stream = targets[packet.stream.index]
                container.mux(packet)
    return path


def test_a_cover_comes_along(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 10), sound=True)
    film = with_more(tmp_path / "c.mp4", film, "cover")
    with open_source(film) as source:
        assert source.video.codec_context.width == 64
        writer = written(source, tmp_path / "b.mp4")
    assert writer.notes == []
    with av.open(str(tmp_path / "b.mp4")) as container:
        covers = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
        assert [(s.codec_context.name, s.codec_context.width) for s in covers] == [("mjpeg", 32)]
    assert len(frames_of(tmp_path / "b.mp4")) == 10
    assert packets_of(tmp_path / "b.mp4", "audio") == packets_of(film, "audio")


def test_a_cover_that_would_become_a_track_is_left_out(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 10))
    film = with_more(tmp_path / "c.mp4", film, "cover")
    with open_source(film) as source:
        writer = written(source, tmp_path / "b.mkv")
    assert writer.notes == ["stream 1 (video, mjpeg) is left out: .mkv does not hold it"]
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert len(container.streams) == 1


def test_a_second_picture_is_copied_and_said(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 10))
    film = with_more(tmp_path / "c.mkv", film, "picture")
    with open_source(film) as source:
        writer = written(source, tmp_path / "b.mkv")
    assert writer.notes == ["stream 1, a second picture, is copied as it is"]
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert [s.codec_context.width for s in container.streams.video] == [64, 32]


def test_fonts_of_subtitles_come_along(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 10))
    film = with_more(tmp_path / "c.mkv", film, "font")
    with open_source(film) as source:
        assert written(source, tmp_path / "b.mkv").notes == []
    with av.open(str(tmp_path / "b.mkv")) as container:
        (font,) = (s for s in container.streams if s.type == "attachment")
        assert font.data == b"no real font"
    with open_source(film) as source:
        (note,) = written(source, tmp_path / "b.mp4").notes
    assert note.startswith("stream 1 (attachment, ")
    assert note.endswith(") is left out: .mp4 does not hold it")


def test_packets_whose_times_do_not_rise_are_left_out(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 30), sound=True)
    seen = []

    def spoil(packet: Any) -> None:
        seen.append(packet)
        if len(seen) in (6, 9):
            packet.pts = packet.dts = 0

    with open_source(film) as source:
        writer = written(source, tmp_path / "b.mkv", spoil)
    assert writer.lost == 2
    whole, rest = (packets_of(tmp_path / name, "audio") for name in ("a.mkv", "b.mkv"))
    assert [content for _, content in rest] == [
        content for i, (_, content) in enumerate(whole) if i not in (5, 8)
    ]


def test_a_time_base_of_its_own(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 5), time_base=Fraction(1, 90000))
    with open_source(film) as source:
        written(source, tmp_path / "b.mp4")
    assert frames_of(tmp_path / "b.mp4")[0].time_base == Fraction(1, 90000)
