"""What else could fit a photo into 256 pixels, how fast, and how far from Pillow's pixels?

Shape suffixes: H rows, W columns, 3 channels.
"""

from __future__ import annotations

import importlib
import io
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import simplejpeg
import torch
import torch.nn.functional as F
from PIL import Image

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row
from benchmarks.photo_files import write_photos
from huescape import photos
from huescape.metrics.pictures import psnr, squared_error
from huescape.photos import lanczos

Picture = npt.NDArray[np.uint8]
Route = Callable[[bytes], Picture]
SIDE = 256
OURS, PEER = "huescape", "Pillow"


def run(quick: bool) -> Report:
    """What else could fit a photo into 256 pixels, how fast, and how far from Pillow's pixels?"""
    torch.set_num_threads(1)
    size, count = ((400, 267), 3) if quick else ((1224, 816), 16)
    with tempfile.TemporaryDirectory(prefix="resampling-") as name:
        data = [path.read_bytes() for path in write_photos(Path(name) / "photos", size, count)]
    routes, absent = _routes()
    truth = [_pillow(photo) for photo in data]
    if any(not np.array_equal(_ours(photo), true) for photo, true in zip(data, truth, strict=True)):
        raise SystemExit("resampling: the compiled route does not give Pillow's pixels")
    cases = {name: (lambda route=route: [route(p) for p in data]) for name, route in routes.items()}
    seconds = harness.measure(cases, 2 if quick else harness.ROUNDS)
    rows = [
        Row(name, "photos/s", harness.rate(seconds[name], count), _distance(route, data, truth))
        for name, route in routes.items()
    ]
    ratios = [
        Ratio(f"{OURS} / {name}", harness.times_faster(seconds[name], seconds[OURS]))
        for name in routes
        if name != OURS
    ]
    # Only the exact route has a target: the same pixels, and no slower than they were.
    ratios[0] = Ratio(ratios[0].name, ratios[0].value, target=1)
    notes = [
        f"{count} JPEG files of {size[0]} x {size[1]} in memory, one thread. The distance from "
        "Pillow's full decoding and Lanczos is over all of them: the largest difference of a "
        "level, the share of values that differ, and the PSNR."
    ]
    return Report(str(run.__doc__), [*rows, *absent], ratios, notes)


def _routes() -> tuple[dict[str, Route], list[Row]]:
    """Every way that can run here, ours first, Pillow second; rows for those that cannot."""
    routes: dict[str, Route] = {OURS: _ours, PEER: _pillow}
    absent = []
    try:
        _torch(_encoded_gray())
        routes["simplejpeg, torch's lanczos with antialias"] = _torch
    except (NotImplementedError, ValueError) as error:
        absent.append(Row("torch's lanczos", "", None, str(error).split(".")[0]))
    routes["Pillow, draft mode (decodes at a fraction of the size)"] = _draft
    try:
        routes["simplejpeg, OpenCV's INTER_LANCZOS4"] = _opencv(importlib.import_module("cv2"))
    except ImportError:
        absent.append(Row("OpenCV's INTER_LANCZOS4", "", None, "OpenCV is not installed"))
    return routes, absent


def _encoded_gray() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (300, 300)).save(stream, "JPEG")
    return stream.getvalue()


def _fitted(width: int, height: int) -> tuple[int, int]:
    scale = SIDE / max(width, height)
    return round(width * scale), round(height * scale)


def _ours(data: bytes) -> Picture:
    rgba_HW4 = photos.decode_photo(data)
    return lanczos.resample(rgba_HW4, *_fitted(rgba_HW4.shape[1], rgba_HW4.shape[0]))


def _pillow(data: bytes) -> Picture:
    image = Image.open(io.BytesIO(data), formats=("JPEG",)).convert("RGB")
    return np.asarray(image.resize(_fitted(*image.size), Image.Resampling.LANCZOS))


def _draft(data: bytes) -> Picture:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    size = _fitted(*image.size)
    image.draft("RGB", size)
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))


def _torch(data: bytes) -> Picture:
    planes = torch.from_numpy(_decoded(data)).permute(2, 0, 1)[None]
    width, height = _fitted(planes.shape[3], planes.shape[2])
    fitted = F.interpolate(planes, (height, width), mode="lanczos", antialias=True)
    return fitted[0].permute(1, 2, 0).contiguous().numpy()


def _opencv(cv2: ModuleType) -> Route:
    cv2.setNumThreads(1)

    def route(data: bytes) -> Picture:
        rgb_HW3 = _decoded(data)
        size = _fitted(rgb_HW3.shape[1], rgb_HW3.shape[0])
        return np.asarray(cv2.resize(rgb_HW3, size, interpolation=cv2.INTER_LANCZOS4))

    return route


def _decoded(data: bytes) -> Picture:
    return np.asarray(simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False))


def _distance(route: Route, data: list[bytes], truth: list[Picture]) -> str:
    made = [route(photo) for photo in data]
    pairs = list(zip(made, truth, strict=True))
    highest = max(int(np.abs(m.astype(int) - t).max()) for m, t in pairs)
    if not highest:
        return "identical"
    share = float(np.mean([np.mean(m != t) for m, t in pairs]))
    error = sum(squared_error(m, t) for m, t in pairs)
    decibels = psnr(error, sum(t.size for t in truth))
    assert math.isfinite(decibels)
    return f"up to {highest} levels off, {100 * share:.2g} % of the values, {decibels:.0f} dB"


if __name__ == "__main__":
    harness.run_command("resampling", run)
