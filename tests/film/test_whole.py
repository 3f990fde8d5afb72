"""Films from files to files: colored, timed, turned and heard as they were; whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from huescape.base import temporaries
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.interrupts import Interrupted
from huescape.color.spaces import rgb_to_yuv
from huescape.coloring.painting import colorize
from huescape.film import color_film, whole
from huescape.film.facts import FilmFacts
from huescape.film.settings import Smoothing, Storing
from huescape.film.writer import copied_stream
from huescape.params.decodings import Decoding
from huescape.systems.system import System, save_system
from tests.coloring.systems import make_system
from tests.film.films import frames_of, make_film, packets_of, rgb_of, times_of, waves

VIVID = Decoding(method="mode")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def system() -> System:
    return make_system("yuv")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_system(folder, system, {}, "step,loss\n")
    return folder


def color(model: Path, film: Path, out: Path, **options: object) -> FilmFacts:
    return color_film(model, film, out, VIVID, 64, **options)  # type: ignore[arg-type]


def left_overs(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".huescape-")]


def halved(rgb_HW3: np.ndarray) -> np.ndarray:
    """Its chroma as it is stored: of 2 x 2 pixels together."""
    h, w = rgb_HW3.shape[0] // 2, rgb_HW3.shape[1] // 2
    return rgb_to_yuv(rgb_HW3)[..., 1:].reshape(h, 2, w, 2, 2).mean(axis=(1, 3))


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p", "gray"])
def test_each_frame_is_colored_as_a_photo_is(
    pixels: str, model: Path, system: System, tmp_path: Path
) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 6), "ffv1", pixels)
    facts = color(model, film, tmp_path / "b.mkv", smoothing=None)
    assert (facts.frames, facts.encoder, facts.cuts, facts.warnings) == (6, "ffv1", None, [])
    for before, found in zip(rgb_of(film), rgb_of(tmp_path / "b.mkv"), strict=True):
        expected = colorize(system, before, VIVID, 64)
        assert np.abs(rgb_to_yuv(expected)[..., 1:]).mean() > 0.02
        if pixels == "yuv444p":
            assert np.abs(found.astype(int) - expected).max() <= 3
        assert np.abs(halved(found) - halved(expected)).mean() < 0.015
        light = rgb_to_yuv(found)[..., 0] - rgb_to_yuv(before)[..., 0]
        assert np.abs(light).mean() < 0.01


def test_options_reach_the_painting(model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 3), "ffv1", "yuv444p")
    gray = color(model, film, tmp_path / "gray.mkv", strength=0.0)
    color(model, film, tmp_path / "full.mkv")
    color(model, film, tmp_path / "plain.mkv", edges=False)
    assert gray.frames == 3
    spread = [np.ptp(p.astype(int), axis=-1).max() for p in rgb_of(tmp_path / "gray.mkv")]
    assert max(spread) <= 3
    full, plain = (rgb_of(tmp_path / name)[2] for name in ("full.mkv", "plain.mkv"))
    assert (full != plain).any()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_variable_times_stay(suffix: str, model: Path, tmp_path: Path) -> None:
    stamps = [0, 500, 1600, 1700, 1850, 9000, 9100, 20000]
    film = make_film(tmp_path / f"a{suffix}", waves(48, 64, 8), stamps=stamps)
    color(model, film, tmp_path / f"b{suffix}")
    assert times_of(tmp_path / f"b{suffix}") == times_of(film)
    if suffix != ".mkv":
        bases = [frames_of(path)[0].time_base for path in (film, tmp_path / f"b{suffix}")]
        assert bases[0] == bases[1] == Fraction(1, 12800)


def test_matrix_range_turn_and_aspect_stay(model: Path, tmp_path: Path) -> None:
    for matrix, range_, rotation in ((1, 1, 90), (6, 2, 180), (9, 1, 270)):
        film = make_film(
            tmp_path / "a.mp4",
            waves(48, 64, 3),
            matrix=matrix,
            range_=range_,
            rotation=rotation,
            aspect=Fraction(4, 3),
        )
        color(model, film, tmp_path / "b.mp4", overwrite=True)
        first, again = frames_of(film)[0], frames_of(tmp_path / "b.mp4")[0]
        assert (again.width, again.height) == (64, 48)
        assert again.rotation == first.rotation != 0
        assert (again.colorspace, again.color_range) == (matrix, range_)
        with av.open(str(tmp_path / "b.mp4")) as container:
            assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_a_film_that_lies_is_seen_upright(model: Path, system: System, tmp_path: Path) -> None:
    pictures = [np.ascontiguousarray(np.rot90(p, -1)) for p in waves(48, 64, 2)]
    film = make_film(tmp_path / "a.mkv", pictures, "ffv1", "yuv444p", rotation=90)
    color(model, film, tmp_path / "b.mkv", smoothing=None)
    upright = colorize(system, np.rot90(rgb_of(film)[0]), VIVID, 64)
    found = np.rot90(rgb_of(tmp_path / "b.mkv")[0])
    assert np.abs(found.astype(int) - upright).max() <= 3


def test_sound_subtitles_chapters_and_titles_come_along(model: Path, tmp_path: Path) -> None:
    film = make_film(
        tmp_path / "a.mkv",
        waves(48, 64, 30),
        sound=True,
        subtitles=["Eins", "Zwei"],
        title="Grüße",
    )
    with_chapters = tmp_path / "c.mkv"
    chapter = {"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000)}
    with av.open(str(film)) as source, av.open(str(with_chapters), "w") as container:
        container.metadata.update(source.metadata)
        container.set_chapters([{**chapter, "metadata": {"title": "Am Bach"}}])
        targets = {s.index: copied_stream(container, s) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = targets[packet.stream.index]
                container.mux(packet)
    facts = color(model, with_chapters, tmp_path / "b.mkv")
    assert facts.warnings == []
    for kind in ("audio", "subtitle"):
        assert packets_of(tmp_path / "b.mkv", kind) == packets_of(with_chapters, kind) != []
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert container.metadata["title"] == "Grüße"
        assert container.streams.subtitles[0].metadata["language"] == "deu"
        assert [c["metadata"]["title"] for c in container.chapters()] == ["Am Bach"]


def test_what_the_container_does_not_hold_is_said(model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", waves(48, 64, 30), sound=True, subtitles=["Eins"])
    facts = color(model, film, tmp_path / "b.webm")
    assert facts.warnings == [
        "h264 cannot be written here; libvpx-vp9 writes it instead",
        "stream 1 (subtitle, srt) is left out: .webm does not hold it",
        "stream 2 (audio, aac) is left out: .webm does not hold it",
    ]
    assert len(frames_of(tmp_path / "b.webm")) == 30


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_a_broadcast(suffix: str, model: Path, tmp_path: Path) -> None:
    """Its times do not begin at 0, and its sound has headers that .mp4 has not."""
    film = make_film(tmp_path / "a.ts", waves(48, 64, 30), sound=True)
    out = tmp_path / f"b{suffix}"
    assert color(model, film, out).warnings == []
    assert times_of(out) == pytest.approx(times_of(film), abs=1e-4)
    sound = packets_of(out, "audio"), packets_of(film, "audio")
    assert [at for at, _ in sound[0]] == pytest.approx([at for at, _ in sound[1]], abs=0.002)


@pytest.mark.parametrize(
    ("codec", "suffix", "size"),
    [
        ("libvpx-vp9", ".webm", (361, 479)),
        ("mpeg4", ".mp4", (361, 479)),
        ("ffv1", ".mov", (362, 480)),  # h264 writes it
    ],
)
def test_odd_sizes(
    codec: str, suffix: str, size: tuple[int, int], model: Path, tmp_path: Path
) -> None:
    source = ".mkv" if codec == "ffv1" else suffix
    film = make_film(tmp_path / f"a{source}", waves(361, 479, 3), codec, time_base=Fraction(1, 25))
    facts = color(model, film, tmp_path / f"b{suffix}")
    assert facts.size == size == rgb_of(tmp_path / f"b{suffix}")[0].shape[:2]
    assert any("480 x 362" in line for line in facts.warnings) == (size[0] == 362)


def test_ten_bits_stay_ten(model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 3), pixels="yuv420p10le")
    color(model, film, tmp_path / "b.mp4")
    first, again = (frames_of(path)[0] for path in (film, tmp_path / "b.mp4"))
    assert again.format.name == "yuv420p10le"
    lights = [np.frombuffer(f.planes[0], np.uint16).reshape(48, -1)[:, :64] for f in (first, again)]
    assert np.abs(lights[0].astype(int) - lights[1]).mean() < 10


def test_smoothing_makes_colors_steadier(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [
        np.clip(p + rng.normal(0, 12, (48, 64, 1)), 0, 255).astype(np.uint8)
        for p in waves(48, 64, 12, speed=0)
    ]
    film = make_film(tmp_path / "a.mkv", pictures, "ffv1", "yuv444p")
    changes = {}
    for name, smoothing in (("off", None), ("on", Smoothing()), ("flow", Smoothing(flow=True))):
        out = tmp_path / f"{name}.mkv"
        sharp = Decoding(temperature=0.1)
        color_film(model, film, out, sharp, 64, edges=False, smoothing=smoothing)
        chroma = [rgb_to_yuv(rgb)[..., 1:] for rgb in rgb_of(out)]
        changes[name] = np.abs(np.diff(chroma, axis=0)).mean()
    assert changes["on"] < 0.65 * changes["off"]
    assert changes["flow"] < 0.8 * changes["off"]


def test_quality_is_a_choice(model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(96, 128, 20))
    sizes = []
    for crf in (None, 40):
        storing = Storing(crf)
        color(model, film, tmp_path / "b.mp4", edges=False, storing=storing, overwrite=True)
        sizes.append((tmp_path / "b.mp4").stat().st_size)
    assert sizes[1] < sizes[0] / 2


def test_broken_frames_are_left_out_and_counted(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (48, 64, 3)).astype(np.uint8) for _ in range(20)]
    film = make_film(tmp_path / "a.avi", pictures, "mjpeg", time_base=Fraction(1, 25), range_=2)
    content = bytearray(film.read_bytes())
    starts = [i for i in range(len(content) - 3) if content[i : i + 3] == b"\xff\xd8\xff"]
    for frame in (5, 11):
        content[starts[frame] + 2 : starts[frame] + 700] = bytes(698)
    film.write_bytes(content)
    facts = color(model, film, tmp_path / "b.avi")
    assert facts.frames == 18
    assert facts.undecodable == 2
    assert facts.warnings == ["2 packets could not be decoded; the frame before is shown longer"]
    expected = [i / 25 for i in range(20) if i not in (5, 11)]
    with av.open(str(tmp_path / "b.avi")) as container:
        found = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.size]
    assert found == pytest.approx(expected)


def test_what_is_no_film_leaves_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no film")
    with pytest.raises(HuescapeError, match=r"a\.mp4: is no film, or damaged"):
        color(model, tmp_path / "a.mp4", tmp_path / "out" / "b.mp4")
    with pytest.raises(HuescapeError, match=r"absent\.mp4: cannot be read"):
        color(model, tmp_path / "absent.mp4", tmp_path / "out" / "b.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_result_that_is_there(model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 3))
    out = tmp_path / "b.mp4"
    out.write_text("mine")
    with pytest.raises(HuescapeError, match=r"b\.mp4: is there already; .* --overwrite"):
        color(model, film, out)
    assert out.read_text() == "mine"
    assert color(model, film, out, overwrite=True).frames == 3
    assert len(frames_of(out)) == 3


@pytest.mark.parametrize("link", [None, "symlink", "hardlink"])
def test_the_film_itself_is_never_written_to(link: str | None, model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 3))
    out, before = film, film.read_bytes()
    if link:
        out = tmp_path / "b.mp4"
        out.symlink_to(film) if link == "symlink" else out.hardlink_to(film)
    with pytest.raises(HuescapeError, match="is the film to color; name another result"):
        color(model, film, out, overwrite=True)
    assert film.read_bytes() == before


def test_places_that_cannot_be_written(model: Path, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 3))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(HuescapeError, match=r"folder\.mp4: is a folder"):
        color(model, film, tmp_path / "folder.mp4", overwrite=True)
    with pytest.raises(HuescapeError, match="cannot write"):
        color(model, film, film / "b.mp4")
    with pytest.raises(ParamsError, match=r"allowed: \.mp4"):
        color(model, film, tmp_path / "b.jpg")
    with pytest.raises(ParamsError, match="--size is 7"):
        color_film(model, film, tmp_path / "b.mp4", VIVID, 7)
    with pytest.raises(HuescapeError, match=r"system\.json: no such file"):
        color(tmp_path, film, tmp_path / "b.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "folder.mp4"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts"])
def test_a_full_disk_leaves_nothing(suffix: str, model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3)).astype(np.uint8) for _ in range(20)]
    film = make_film(tmp_path / "a.mkv", noise, "mpeg4", sound=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(HuescapeError, match=rf"cannot write .*b{suffix}: File too large"):
            color(model, film, tmp_path / f"b{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_disk_that_is_full_at_the_very_end(model: Path, tmp_path: Path) -> None:
    """What an encoder and a container hold back until then must not be taken for written."""
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 5))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(HuescapeError, match=r"cannot write .*b\.mp4"):
            color(model, film, tmp_path / "b.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_interruption_is_one_line(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 5))
    calls = []

    def paint(*arguments: object, **options: object) -> None:
        calls.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr("huescape.film.coloring.paint", paint)
    with pytest.raises(Interrupted, match=r"b\.mp4 is not written; the same command begins anew"):
        color(model, film, tmp_path / "b.mp4")
    assert len(calls) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def started(model: Path, film: Path, out: Path) -> subprocess.Popen[str]:
    """The real thing in a process of its own, once a good part of the film is written."""
    code = (
        "import sys; from pathlib import Path; from huescape.film import color_film; "
        "from huescape.base.errors import HuescapeError\n"
        "try:\n color_film(*map(Path, sys.argv[1:]))\n"
        "except HuescapeError as error:\n print(error, file=sys.stderr); sys.exit(error.exit_code)"
    )
    command = [sys.executable, "-c", code, str(model), str(film), str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if any((out.parent / n).stat().st_size > 20_000 for n in left_overs(out.parent)):
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate()[1])


@pytest.fixture
def long_film(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3)).astype(np.uint8) for _ in range(25)]
    return make_film(tmp_path / "in" / "a.mkv", noise * 60, "mpeg4")


@pytest.mark.long
def test_ctrl_c_leaves_nothing(model: Path, long_film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "b.mkv"
    out.parent.mkdir()
    process = started(model, long_film, out)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"{long_film}: interrupted; {out} is not written" in said
    assert "Traceback" not in said
    assert list(out.parent.iterdir()) == []


@pytest.mark.long
def test_a_killed_run_leaves_no_result_and_the_next_one_clears_up(
    model: Path, long_film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "b.mkv"
    out.parent.mkdir()
    process = started(model, long_film, out)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not out.exists()
    assert len(left_overs(out.parent)) == 1
    short = make_film(tmp_path / "in" / "s.mkv", waves(48, 64, 3))
    temporaries._swept.clear()  # as a process that is new to the folder
    assert color(model, short, out).frames == 3
    assert [path.name for path in out.parent.iterdir()] == ["b.mkv"]


@pytest.mark.long
def test_memory_does_not_grow_with_the_film(model: Path, tmp_path: Path) -> None:
    pictures = waves(240, 320, 25)
    lengths, grown = (100, 700), []
    films = [
        make_film(tmp_path / f"{n}.mkv", (pictures * 40)[:n], "mpeg4", sound=True) for n in lengths
    ]
    color(model, films[0], tmp_path / "warm.mkv")
    for film in films:
        before = psutil.Process().memory_info().rss
        color(model, film, tmp_path / "b.mkv", overwrite=True)
        grown.append(psutil.Process().memory_info().rss - before)
    assert grown[1] - grown[0] < 20e6


def test_progress_counts_frames(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar that a person would see of a longer film."""
    seen, real = [], whole.progress

    def watched(frames: Any, *shown: object) -> Any:
        seen.append(shown)
        return real(frames, *shown)  # type: ignore[arg-type]

    monkeypatch.setattr(whole, "progress", watched)
    film = make_film(tmp_path / "a.mp4", waves(48, 64, 7))
    color(model, film, tmp_path / "b.mp4")
    assert seen == [(7, "b.mp4", "frame")]
