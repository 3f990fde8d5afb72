"""Is the exported model, run by ONNX Runtime, as fast as colorize with PyTorch?

Shape suffixes: H rows, W columns.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from PIL import Image

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread
from benchmarks.photo_files import write_photos
from huescape.coloring.export import export_system
from huescape.coloring.painting import colorize
from huescape.params.released import DEFAULT, released_model
from huescape.systems.chosen import usual_decoding
from huescape.systems.system import load_system

Picture = npt.NDArray[np.uint8]

PHOTOS = {"as it is seen": (320, 213), "1 megapixel": (1224, 816), "12 megapixels": (4000, 3000)}
QUICK = {"as it is seen": (64, 48)}
TARGET = 1.0
# Peak memory of the process, before and after a picture, in kB.
_PEAK = {
    "ONNX Runtime": """
        import numpy as np, onnxruntime
        session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
        color = lambda picture: session.run(None, {"picture": picture[None]})
    """,
    "PyTorch": """
        import numpy as np
        from huescape import Colorizer
        model = Colorizer.load()
        color = lambda picture: model(picture, as_print=False)
    """,
}


def run(quick: bool) -> Report:
    """Is the exported model, run by ONNX Runtime, as fast as colorize with PyTorch?"""
    torch.set_num_threads(1)
    rows: list[Row] = []
    ratios: list[Ratio] = []
    facts: dict[str, Any] = {"onnxruntime": onnxruntime.__version__}
    with tempfile.TemporaryDirectory(prefix="onnx-") as name:
        file = Path(name) / "model.onnx"
        export_system(released_model(DEFAULT), file, usual_decoding(released_model(DEFAULT)))
        facts["megabytes"] = file.stat().st_size / 1e6
        session = one_thread(file)
        for size, sides in (QUICK if quick else PHOTOS).items():
            (photo,) = write_photos(Path(name) / size.replace(" ", "-"), sides, 1)
            picture = np.asarray(Image.open(photo, formats=["JPEG"]))
            facts[size] = _compare(size, picture, session, 2 if quick else 5, rows, ratios)
        rows += _memory(file, picture, size)
    notes = [
        "One thread each, a rendered landscape with grain, decoded beforehand; the model's own "
        "decoding. Levels differed by 4 at most; the share of them that did: "
        + ", ".join(f"{size} {facts[size]:.2g}" for size in (QUICK if quick else PHOTOS))
        + ".",
        "Peak memory is that of a process that colors one picture, less that of the same process "
        "before; colorize works in strips of the picture, a graph has it whole.",
    ]
    return Report(run.__doc__ or "", rows, ratios, notes, facts)


def one_thread(file: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _compare(
    size: str, picture: Picture, session: Any, rounds: int, rows: list[Row], ratios: list[Ratio]
) -> float:
    """Measure both; the share of levels that differ, of which none may by more than 4."""
    cases = _cases(picture, session)
    found = {case: color() for case, color in cases.items()}
    apart_HW3 = np.abs(found["PyTorch"].astype(int) - found["ONNX Runtime"])
    if apart_HW3.max() > 4:  # as docs/library.md says
        raise AssertionError(f"{size}: levels differ by up to {apart_HW3.max()}")
    seconds = harness.measure(cases, rounds)
    for case, times in seconds.items():
        rows.append(Row(f"{size}: {case}", "ms", Spread.of([1000 * value for value in times])))
    value = harness.times_faster(seconds["PyTorch"], seconds["ONNX Runtime"])
    ratios.append(Ratio(f"{size}: ONNX Runtime / PyTorch", value, TARGET))
    return float((apart_HW3 > 0).mean())


def _cases(picture: Picture, session: Any) -> Mapping[str, Callable[[], Picture]]:
    model = released_model(DEFAULT)
    system, decoding = load_system(model), usual_decoding(model)

    def by_runtime() -> Picture:
        colored_1HW3: Picture = session.run(None, {"picture": picture[None]})[0]
        return colored_1HW3[0]

    return {
        "PyTorch": partial(colorize, system, picture, decoding, edges=False),
        "ONNX Runtime": by_runtime,
    }


def _memory(file: Path, picture: Picture, size: str) -> list[Row]:
    rows = []
    for case, setup in _PEAK.items():
        code = "\n".join(
            [
                "import re, sys",
                "from pathlib import Path",
                textwrap.dedent(setup),
                "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', "
                "Path('/proc/self/status').read_text())[1])",
                "before, picture = peak(), np.zeros([int(x) for x in sys.argv[2:]], np.uint8)",
                "color(picture)",
                "print('grown by', peak() - before)",
            ]
        )
        command = [sys.executable, "-c", code, str(file), *map(str, picture.shape)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        grown = re.search(r"grown by (\d+)", done.stdout)
        megabytes = int(grown[1]) / 1024 if grown else float("nan")
        rows.append(Row(f"{size}: peak memory, {case}", "MB", Spread.of([megabytes])))
    return rows


if __name__ == "__main__":
    harness.run_command("onnx", run)
