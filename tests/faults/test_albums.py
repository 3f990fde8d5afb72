"""An album with everything bad in it, and runs that are cut off: a line each, nothing lost."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from huescape.coloring.record import NAME
from huescape.landscapes.render import render_scene
from tests.faults.bare import SETTINGS, command, run, temporaries, the_error
from tests.faults.disks import filled, small_disk
from tests.faults.permissions import bound
from tests.faults.test_full_disk import make_system

SYSTEM = "--system toy/models/colorunet"


def png_that_says(width: int, height: int) -> bytes:
    """A small file that claims a large picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def lab_tiff() -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((8, 8, 3), np.uint8), photometric="cielab")
    return stream.getvalue()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with a model, and photos of the usual and of every odd kind in `in`."""
    make_system(tmp_path / "toy")
    (tmp_path / "in/x").mkdir(parents=True)
    scene = Image.fromarray(render_scene("b/beach", np.random.default_rng(0), 60, 40))
    scene.save(tmp_path / "in/a.jpg")
    scene.save(tmp_path / "in/A.jpg")
    scene.save(tmp_path / "in/x/a.jpg")
    scene.convert("CMYK").save(tmp_path / "in/inks.tif")
    scene.save(tmp_path / "in/film.gif", save_all=True, append_images=[scene.rotate(180)])
    scene.resize((1, 1)).save(tmp_path / "in/one.png")
    scene.resize((20_000, 10)).save(tmp_path / "in/long.png")
    (tmp_path / "in/link.jpg").symlink_to("a.jpg")
    return tmp_path


def test_bad_files_are_a_line_each_and_the_others_are_colored(album: Path) -> None:
    bad = {
        "bomb.png": png_that_says(30_000, 30_000),
        "empty.png": b"",
        "lab.tif": lab_tiff(),
        "text.jpg": b"not a photo",
        "zeros.jpg": bytes(5000),
        "cut.jpg": (album / "in/a.jpg").read_bytes()[:700],
    }
    for name, content in bad.items():
        (album / "in" / name).write_bytes(content)
    done = run(album, f"colorize in -o out {SYSTEM}")
    assert the_error(done) == "6 of 13 photos could not be colored"
    lines = [line for line in done.stderr.splitlines() if line.startswith("in/")]
    told = dict(line.split(": ", 1) for line in lines)
    assert told == {
        "in/bomb.png": "cannot be used: 900,000,000 pixels; the limit is 120,000,000 pixels",
        "in/cut.jpg": told["in/cut.jpg"],
        "in/empty.png": "is not a photo, or damaged: the file is empty",
        "in/film.gif": "the first of its 2 pictures was colored",
        "in/lab.tif": "cannot be used: pixels of CIE Lab",
        "in/text.jpg": "is not a photo, or damaged: not an image",
        "in/zeros.jpg": "is not a photo, or damaged: not an image: it begins with zero bytes",
    }
    assert told["in/cut.jpg"].startswith("is not a photo, or damaged: ")
    results = sorted(
        p.relative_to(album / "out").as_posix() for p in (album / "out").rglob("*.*") if p.is_file()
    )
    wanted = ["A.jpg", "a-2.jpg", "film.png", "inks.tif", "long.png", "one.png", "x/a.jpg"]
    assert results == sorted([NAME, *wanted])
    assert Image.open(album / "out/long.png").size == (20_000, 10)
    assert temporaries(album) == []
    again = run(album, f"colorize in -o out {SYSTEM}")
    assert "0 colored, 7 done before, 6 skipped" in again.stdout


def test_an_output_that_may_not_be_written(album: Path) -> None:
    """Also by root, of whom the permission is taken."""
    (album / "out").mkdir(mode=0o555)
    done = subprocess.run(
        [*bound(), *command(f"colorize in -o out {SYSTEM}")],
        cwd=album,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot write" in the_error(done)
    assert "Permission denied" in done.stderr
    assert list((album / "out").iterdir()) == []


@pytest.mark.long
def test_a_disk_that_fills_up_keeps_what_is_finished(tmp_path: Path) -> None:
    """With two workers, and room for some of many results."""
    make_system(tmp_path / "toy")
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 256, (150, 150, 3), dtype=np.uint8)
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(noise).save(tmp_path / f"in/{number:02}.png")
    with small_disk(tmp_path / "disk", 4) as disk:
        arguments = f"colorize in -o {disk}/out --workers 2 {SYSTEM}"
        with filled(disk, 400_000):
            done = run(tmp_path, arguments)
            finished = sorted(path.name for path in (disk / "out").glob("*.png"))
            assert 1 <= len(finished) <= 6
            assert the_error(done) == f"{12 - len(finished)} of 12 photos could not be colored"
            assert "No space left on device" in done.stderr
            assert "more were not tried" in done.stderr
            assert f"{len(finished)} colored, 0 done before" in done.stdout
        for name in finished:
            Image.open(disk / "out" / name).load()
        done = run(tmp_path, arguments)
        assert done.returncode == 0, done.stderr
        assert f"{12 - len(finished)} colored, {len(finished)} done before" in done.stdout
        assert temporaries(disk) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGKILL, 2)],
)
def test_a_run_that_is_cut_off_goes_on(
    tmp_path: Path, number: signal.Signals, workers: int
) -> None:
    make_system(tmp_path / "toy")
    scene = Image.fromarray(render_scene("b/beach", np.random.default_rng(0), 600, 400))
    (tmp_path / "in").mkdir()
    for k in range(24):
        scene.save(tmp_path / f"in/{k:02}.jpg")
    arguments = f"colorize in -o out --workers {workers} {SYSTEM}"
    process = subprocess.Popen(
        command(arguments),
        cwd=tmp_path,
        env={**os.environ, **SETTINGS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    while len(list((tmp_path / "out").glob("*.jpg"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    if number == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, number)
    out, err = process.communicate()
    assert "Traceback" not in err
    finished = {p.name: p.read_bytes() for p in (tmp_path / "out").glob("*.jpg")}
    assert 2 <= len(finished) < 24
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert f"colorize: {len(finished)} colored, 0 done before, 0 skipped" in out
        assert err.splitlines()[-1].startswith("huescape: error: interrupted; the same command")
    done = run(tmp_path, arguments)
    assert done.returncode == 0, done.stderr
    assert f"{24 - len(finished)} colored, {len(finished)} done before" in done.stdout
    for name, content in finished.items():
        assert (tmp_path / "out" / name).read_bytes() == content
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 24
    assert temporaries(tmp_path) == []


@pytest.mark.long
def test_two_at_once_into_one_folder(album: Path) -> None:
    """One does it; the other says so, and takes nothing from it."""
    arguments = command(f"colorize in -o out {SYSTEM}")
    options = {"cwd": album, "env": {**os.environ, **SETTINGS}, "text": True}
    both = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        for _ in range(2)
    ]
    told = [process.communicate() for process in both]
    assert len(list((album / "out").rglob("*.*"))) == 8
    for process, (out, err) in zip(both, told, strict=True):
        if process.returncode:
            assert "another `huescape colorize` is at work there" in err
        else:
            assert "7 colored, 0 done" in out or "0 colored, 7 done" in out
    assert 0 in [process.returncode for process in both]
