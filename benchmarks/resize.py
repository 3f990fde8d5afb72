"""How fast do photos become shards of 256 x 256 pixels, against a plain loop with Pillow?

Shape suffixes: N photos, S pixels of a side.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.photo_files import GRAIN, QUALITY, catalog_of, write_photos
from huescape import photos
from huescape.params.photos import ResizeParams
from huescape.shards import ShardSet
from huescape.stages import resize as stage

SIZE = 256
PHOTOS = {  # megapixels: (width, height), number of photos in a round
    "0.1": ((400, 267), 600),
    "1": ((1224, 816), 120),
    "2": ((1736, 1152), 60),
    "4": ((2448, 1632), 30),
}
QUICK = {"0.1": ((400, 267), 6), "1": ((1224, 816), 2)}
_PEAK = """
    import re, sys
    from pathlib import Path
    from huescape.params.photos import ResizeParams
    from huescape.stages import resize
    resize.run(Path(sys.argv[1]), Path(sys.argv[2]), ResizeParams(size=32, shards=4))
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@dataclass(frozen=True)
class Made:
    """Photo files of one size, and where the shards of them go."""

    paths: Sequence[Path]
    catalog: Path
    out: Path

    @classmethod
    def under(cls, folder: Path, size: tuple[int, int], count: int) -> Made:
        """Write the files and their catalog below `folder`."""
        paths = write_photos(folder / "photos", size, count)
        return cls(paths, catalog_of(paths, folder / "catalog"), folder / "out")


def run(quick: bool) -> Report:
    """How fast do photos become shards of 256 x 256 pixels, against a plain loop with Pillow?"""
    os.environ |= {"HUESCAPE_WORKERS": "1", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    rounds = 2 if quick else harness.ROUNDS
    rows: list[Row] = []
    ratios: list[Ratio] = []
    with tempfile.TemporaryDirectory(prefix="resize-") as name:
        os.environ["HUESCAPE_STATE"] = str(Path(name) / "state")
        for megapixels, (size, count) in (QUICK if quick else PHOTOS).items():
            made = Made.under(Path(name) / megapixels, size, count)
            _check(made)
            _one_core(megapixels, made, rounds, rows, ratios)
        _two_workers(Made.under(Path(name) / "two", *_for_two(quick)), rounds, rows, ratios)
        _memory(Path(name) / "memory", (20, 60) if quick else (1000, 20_000), rows, ratios)
    facts = {"quality": QUALITY, "grain": GRAIN, "side": SIZE, "rounds": rounds}
    return Report(run.__doc__ or "", rows, ratios, _notes(), facts)


def pillow_loop(paths: Sequence[Path], out: Path) -> None:
    """What one writes first: all photos into one array, then to a file."""
    rgb_NSS3 = np.zeros((len(paths), SIZE, SIZE, 3), np.uint8)
    for rgb_SS3, path in zip(rgb_NSS3, paths, strict=True):
        image = Image.open(path, formats=("JPEG",)).convert("RGB")
        scale = SIZE / max(image.size)
        width, height = round(image.width * scale), round(image.height * scale)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
        top, left = (SIZE - height) // 2, (SIZE - width) // 2
        rgb_SS3[top : top + height, left : left + width] = np.asarray(image)
    np.save(out, rgb_NSS3)


def decode_only(paths: Sequence[Path]) -> None:
    """The limit: the files become pixels, and nothing else is done."""
    for path in paths:
        simplejpeg.decode_jpeg(path.read_bytes(), "RGBA")


def fit_only(paths: Sequence[Path]) -> None:
    """Decoded and fitted; nothing is hashed or written."""
    for path in paths:
        photos.fit(photos.decode_photo(photos.read_bytes(path)), SIZE)


def make_shards(made: Made) -> None:
    """The stage itself, with the process count of the environment."""
    stage.run(made.catalog, made.out, ResizeParams(size=SIZE, shards=1))


def _check(made: Made) -> None:
    """Every byte of the shards against the loop's."""
    stack = made.out.with_name("stack.npy")
    pillow_loop(made.paths, stack)
    make_shards(made)
    shards = ShardSet.open(made.out, kind="photos")
    expected: npt.NDArray[np.uint8] = np.load(stack)[np.argsort(shards.ids).argsort()]
    wrong = int((shards.take("rgb", np.arange(shards.count)) != expected).sum())
    if shards.count != len(made.paths) or wrong:
        raise SystemExit(f"resize: {wrong} bytes of the shards are not Pillow's")


def _one_core(
    megapixels: str, made: Made, rounds: int, rows: list[Row], ratios: list[Ratio]
) -> None:
    cases: dict[str, Callable[[], object]] = {
        "Pillow loop": lambda: pillow_loop(made.paths, made.out.with_name("stack.npy")),
        "stage resize": lambda: make_shards(made),
        "decoding and fitting alone": lambda: fit_only(made.paths),
        "decoding alone": lambda: decode_only(made.paths),
    }
    seconds = harness.measure(cases, rounds, before=os.sync)
    unit = "photos/s"
    kilobytes = made.paths[0].stat().st_size // 1000
    for name, values in seconds.items():
        note = f"files of {kilobytes} kB" if name == "Pillow loop" else ""
        rate = harness.rate(values, len(made.paths))
        rows.append(Row(f"{megapixels} megapixels, {name}", unit, rate, note))
    ours = seconds["stage resize"]
    faster = harness.times_faster(seconds["Pillow loop"], ours)
    ratios.append(Ratio(f"{megapixels} megapixels: stage / Pillow loop, one core", faster, 3.0))
    limit = harness.times_faster(ours, seconds["decoding alone"])
    ratios.append(Ratio(f"{megapixels} megapixels: decoding alone / stage", limit))


def _for_two(quick: bool) -> tuple[tuple[int, int], int]:
    return (QUICK if quick else PHOTOS)["1"][0], (8 if quick else 160)


def _two_workers(made: Made, rounds: int, rows: list[Row], ratios: list[Ratio]) -> None:
    """One worker process against two, all begun before; eight equal parts of the photos."""
    context = multiprocessing.get_context("spawn")
    parts = [
        Made(made.paths[k::8], catalog_of(made.paths[k::8], made.out / f"{k}"), made.out / f"{k}s")
        for k in range(8)
    ]
    with ProcessPoolExecutor(1, context) as one, ProcessPoolExecutor(2, context) as two:
        cases: dict[str, Callable[[], object]] = {
            "1 worker": lambda: list(one.map(make_shards, parts)),
            "2 workers": lambda: list(two.map(make_shards, parts)),
            "1 decoding": lambda: list(one.map(decode_only, [part.paths for part in parts])),
            "2 decoding": lambda: list(two.map(decode_only, [part.paths for part in parts])),
        }
        seconds = harness.measure(cases, rounds, before=os.sync)
    for name in ("1 worker", "2 workers"):
        rate = harness.rate(seconds[name], len(made.paths))
        rows.append(Row(f"1 megapixel, stage resize, {name}", "photos/s", rate))
    faster = harness.times_faster(seconds["1 worker"], seconds["2 workers"])
    ratios.append(Ratio("1 megapixel: two workers / one", faster, 1.8))
    limit = harness.times_faster(seconds["1 decoding"], seconds["2 decoding"])
    note = "what the machine's second processor gives"
    ratios.append(Ratio("1 megapixel: decoding alone, two / one", limit, note=note))


def _memory(folder: Path, counts: tuple[int, int], rows: list[Row], ratios: list[Ratio]) -> None:
    """The peak of a process that makes shards of few and of many tiny photos."""
    if sys.platform != "linux":
        rows.append(Row("peak memory", "MB", None, "read from /proc, which is not here"))
        return
    paths = write_photos(folder / "photos", (48, 32), max(counts))
    peaks = []
    for count in counts:
        catalog = catalog_of(paths[:count], folder / f"catalog-{count}")
        peaks.append([_peak(catalog, folder / f"out-{count}") for _ in range(3)])
        rows.append(Row(f"peak memory, {count:,} photos", "MB", Spread.of(peaks[-1])))
    few, many = peaks
    grown = Spread.of([b / a for a, b in zip(few, many, strict=True)])
    name = f"peak memory, {counts[1]:,} photos / {counts[0]:,}"
    ratios.append(Ratio(name, grown, 1.1, at_least=False))


def _peak(catalog: Path, out: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_PEAK), str(catalog), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^(\d+)$", done.stdout, re.M)
    if done.returncode or found is None:
        raise SystemExit(f"resize: the process that is weighed failed: {done.stderr[-500:]}")
    return int(found[1]) / 1000


def _notes() -> list[str]:
    return [
        "One thread everywhere. The photos are rendered landscapes, enlarged, with grain, as JPEG "
        f"of quality {QUALITY}; every byte of the shards was compared with the loop's.",
        "The stage also takes the SHA-256 of every file and of the shards, and waits for the disk; "
        "the loop does not. The smaller the photos, the more that weighs.",
        "Before a case begins, all that was written reaches the disk, so that none waits for "
        "another's files.",
        "What limits: decoding, then the sums across the photo, which are 32-bit "
        "multiplications of every pixel and cannot be fewer for the same bytes.",
        "Workers are begun before the clock: a new one takes about a second to import its "
        "libraries, whatever the number of photos.",
    ]


if __name__ == "__main__":
    harness.run_command("resize", run)
