"""Films that are whole, broken, cut short, or none."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from huescape.film.source import Source, first_frame, open_source
from tests.film.films import RATE, _hum, make_film, waves


def grainy(frames: int) -> list[np.ndarray]:
    """Frames that take many bytes, so that damage meets one of them."""
    rng = np.random.default_rng(0)
    return [
        np.clip(p.astype(int) + rng.integers(-20, 20, p.shape), 0, 255).astype(np.uint8)
        for p in waves(96, 128, frames)
    ]


def read(path: Path) -> tuple[Source, list[av.VideoFrame]]:
    with open_source(path) as source:
        return source, [part for part in source.parts([]) if isinstance(part, av.VideoFrame)]


def test_a_whole_film(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a b: c%d.mp4", waves(48, 64, 10))
    with open_source(film) as source:
        assert (source.codec, source.rate, source.frames) == ("h264", RATE, 10)
        frames = list(source.parts([]))
    assert len(frames) == 10
    assert (source.damage.undecodable, source.damage.damaged, source.damage.ended) == (0, 0, "")


def test_other_streams_come_in_between(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 50), sound=True)
    with open_source(film) as source:
        sound = source.container.streams.audio[0]
        kinds = [type(part).__name__ for part in source.parts([sound])]
    assert kinds.count("VideoFrame") == 50
    assert kinds.count("Packet") > 80
    assert "Packet" in kinds[:30]


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", ".mkv"), ("libx264", ".ts"), ("mjpeg", ".avi")]
)
def test_broken_frames_are_counted_and_the_rest_is_read(
    codec: str, suffix: str, tmp_path: Path
) -> None:
    range_ = 2 if codec == "mjpeg" else 1
    film = make_film(
        tmp_path / f"a{suffix}", grainy(60), codec, time_base=Fraction(1, RATE), range_=range_
    )
    content, rng = bytearray(film.read_bytes()), np.random.default_rng(1)
    for at in rng.integers(len(content) // 4, 3 * len(content) // 4, 12):
        content[at : at + 40] = rng.integers(0, 256, 40).astype(np.uint8).tobytes()
    film.write_bytes(content)
    source, frames = read(film)
    assert 20 < len(frames) <= 60
    assert source.damage.undecodable + source.damage.damaged > 0


def test_a_film_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", grainy(60))
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with open_source(film) as source:
        assert 20 < len(list(source.parts([]))) < 40
        assert source.frames is not None
        assert source.frames > 55


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no film at all\n" * 90, "is no film, or damaged"),
        (b"", "is no film, or damaged"),
        (b"1\n00:00:00,000 --> 00:00:01,000\nHi\n\n", "is no film, or damaged"),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/hostname\n",
            "is no film, or damaged",
        ),
    ],
    ids=["text", "empty", "subtitles", "playlist"],
)
def test_what_is_no_film(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(HuescapeError, match=rf"a\.mp4: {said}"), open_source(tmp_path / "a.mp4"):
        pass


def test_what_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    names = {"absent.mp4": "No such file", "pipe.mp4": "a pipe", ".": "directory"}
    for name, said in names.items():
        path = tmp_path / name
        with pytest.raises(HuescapeError, match=f"cannot be read: .*{said}"), open_source(path):
            pass


def test_a_film_without_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        _hum(container, container.add_stream("aac", 44100), 1)
    with pytest.raises(HuescapeError, match=r"has no picture to color; it holds audio"):
        first_frame(path)


def test_a_film_without_frames(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", grainy(4), "ffv1")
    content, start = bytearray(film.read_bytes()), 1000
    content[start:-200] = bytes(len(content) - start - 200)
    film.write_bytes(content)
    with pytest.raises(HuescapeError, match=r"no frame of it can be read"):
        first_frame(film)


def test_a_cover_is_no_picture_to_color(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", 44100)
        cover = container.add_stream("mjpeg", 1, options={"strict": "unofficial"})
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        rgb = av.VideoFrame.from_ndarray(waves(48, 64, 1)[0], format="rgb24")
        container.mux(cover.encode(rgb.reformat(format="yuvj420p")))
        container.mux(cover.encode(None))
        _hum(container, sound, 1)
    with pytest.raises(HuescapeError, match="has no picture to color"):
        first_frame(path)
