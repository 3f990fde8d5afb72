"""How steady a colored film is, with and without smoothing, and how near to the film's own colors.

Of a film in a file, or of a pan over a rendered landscape, whose motion is known exactly.

Shape suffixes: H rows and W columns, 2 channels of chroma, 3 of RGB.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from av.video.frame import VideoFrame

from huescape.base import runtime
from huescape.base.progress import progress
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.painting import field_of, lightness, paint
from huescape.coloring.prediction import Prediction, eight_bits, predict
from huescape.film.flicker import ColorConsistency, chroma_change
from huescape.film.flow import FlowEstimator, Motion
from huescape.film.pictures import Unpacking
from huescape.film.settings import Smoothing
from huescape.film.smoothing import Smoother
from huescape.film.source import first_frame, open_source
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.metrics.auc import DISTANCES, auc, distance_table
from huescape.metrics.chroma import unclipped_ab
from huescape.metrics.colorfulness import colorfulness
from huescape.params.decodings import Decoding
from huescape.systems import chosen
from huescape.systems.system import System, load_system

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating[Any]]
WAYS: Mapping[str, Smoothing | None] = {
    "off": None,
    "on": Smoothing(),
    "flow": Smoothing(flow=True),
}
SIZE = (240, 320)
GRAIN = 2.0  # levels, standard deviation
_TONES = 2.0  # of ab: a film with less on average is gray and has no truth


@dataclass
class Score:
    """What one way of coloring reaches, frame by frame."""

    changes: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    vivid: list[float] = field(default_factory=list)
    table: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((1, DISTANCES), np.int64))
    consistency: ColorConsistency = field(default_factory=ColorConsistency)
    before_HW2: Floats | None = None

    def add(self, rgb_HW3: Picture, ab_HW2: Floats, true: Frame, motion: Motion | None) -> None:
        """Take a frame: its picture, the ab that it was painted with, the truth."""
        now_HW2 = rgb_to_lab(rgb_HW3)[..., 1:]
        if self.before_HW2 is not None and motion is not None:
            self.changes.append(chroma_change(self.before_HW2, now_HW2, motion))
        self.before_HW2 = now_HW2
        self.consistency.add(rgb_HW3)
        self.vivid.append(colorfulness(rgb_HW3))
        error = float(np.square(rgb_HW3.astype(float) - true.rgb_HW3).mean())
        self.psnr.append(10 * np.log10(255**2 / error) if error else np.inf)
        true_N2, bin_N = true.ab_HW2.reshape(-1, 2), np.zeros(true.ab_HW2[..., 0].size, np.int64)
        self.table += distance_table(ab_HW2.reshape(-1, 2), true_N2, bin_N, 1)

    def summary(self) -> dict[str, float]:
        """The means over frames."""
        return {
            "flicker": float(np.mean(self.changes)),
            "CDC": self.consistency.value,
            "AuC": auc(self.table),
            "PSNR": float(np.mean(self.psnr)),
            "colorfulness": float(np.mean(self.vivid)),
        }


@dataclass(frozen=True)
class Frame:
    """A frame of a film, and how it moved since the one before, where that is known."""

    rgb_HW3: Picture
    motion: Motion | None = None

    @cached_property
    def lab_HW3(self) -> Floats:
        """Of the true colors."""
        return rgb_to_lab(self.rgb_HW3)

    @property
    def ab_HW2(self) -> Floats:
        """Of the true colors."""
        return np.ascontiguousarray(self.lab_HW3[..., 1:])


def pan(
    category: str, seed: int, speed: int, frames: int, size: tuple[int, int] = SIZE
) -> Iterator[Frame]:
    """A camera that moves to the right over a landscape, `speed` pixels a frame, with grain."""
    height, width = size
    rng = np.random.default_rng(seed)
    scene_HW3 = render_scene(category, rng, width + speed * (frames - 1), height)
    flow_HW2 = np.zeros((height, width, 2), np.float32)
    flow_HW2[..., 0] = speed
    seen_HW = np.broadcast_to(np.arange(width) + speed < width, size)
    for i in range(frames):
        part_HW3 = scene_HW3[:, speed * i : speed * i + width]
        grain_HW1 = rng.normal(0, GRAIN, (height, width, 1))
        noisy_HW3 = np.clip(np.rint(part_HW3 + grain_HW1), 0, 255).astype(np.uint8)
        yield Frame(noisy_HW3, Motion(flow_HW2, seen_HW) if i else None)


def film(path: Path, frames: int | None) -> Iterator[Frame]:
    """The frames of a film, upright; motion by optical flow at its own size."""
    unpacking, estimator = Unpacking(first_frame(path)), FlowEstimator()
    before_HW: Floats | None = None
    with open_source(path) as source:
        for part in itertools.islice(source.parts([]), frames):
            assert isinstance(part, VideoFrame)  # nothing else was asked for
            rgb_HW3 = eight_bits(unpacking.picture(part))
            now_HW = rgb_to_lab(rgb_HW3)[..., 0] / 100
            motion = None if before_HW is None else estimator.motion(before_HW, now_HW)
            before_HW = now_HW
            yield Frame(rgb_HW3, motion)


def measure(system: System, frames: Iterator[Frame], decoding: Decoding) -> dict[str, Score]:
    """Every way's score, and that of the film itself, as `truth`."""
    scores = {name: Score() for name in (*WAYS, "truth")}
    smoothers = {name: Smoother(way) for name, way in WAYS.items() if way}
    for frame in progress(frames, desc="flicker", unit="frame"):
        seen = predict(system, frame.rgb_HW3)
        for name in WAYS:
            prediction = smoothers[name](seen) if name in smoothers else seen
            painted_HW3 = paint(prediction, frame.rgb_HW3, decoding, edges=False)
            ab_HW2 = _painted_ab(prediction, decoding, frame)
            scores[name].add(painted_HW3, ab_HW2, frame, frame.motion)
        scores["truth"].add(frame.rgb_HW3, frame.ab_HW2, frame, frame.motion)
    return scores


def _painted_ab(prediction: Prediction, decoding: Decoding, frame: Frame) -> Floats:
    """What the AuC looks at: before any clipping."""
    space = prediction.system.space
    size = frame.rgb_HW3.shape[0], frame.rgb_HW3.shape[1]
    light_HW = lightness(space, frame.rgb_HW3)
    field = field_of(prediction, decoding, edges=False)
    chroma_HW2 = field.at(size, slice(0, size[0]), light_HW)
    return np.ascontiguousarray(unclipped_ab(light_HW, chroma_HW2, space.name))


def table(scores: Mapping[str, Score]) -> list[str]:
    """Markdown; a film without colors of its own has no AuC and no PSNR."""
    rows = {name: score.summary() for name, score in scores.items()}
    has_truth = rows["truth"]["colorfulness"] > _TONES
    keys = [k for k in rows["off"] if has_truth or k not in ("AuC", "PSNR")]
    lines = [f"| smoothing | {' | '.join(keys)} |", "|---|" + "---:|" * len(keys)]
    digits = {"flicker": 3, "CDC": 6, "AuC": 4, "PSNR": 2, "colorfulness": 1}
    for name, row in rows.items():
        cells = [
            "" if name == "truth" and k in ("AuC", "PSNR") else f"{row[k]:.{digits[k]}f}"
            for k in keys
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flicker", description=__doc__)
    parser.add_argument("film", nargs="?", type=Path, help="by default a pan over a rendering")
    parser.add_argument("--system", default="landscape", help="a model by name or folder")
    parser.add_argument("--frames", type=int, help="at most so many (default: all; of a pan 60)")
    parser.add_argument("--speed", type=int, default=3, help="of the pan, in pixels a frame")
    parser.add_argument("--scene", choices=CATEGORIES, default="m/mountain", help="of the pan")
    options = parser.parse_args()
    torch.set_num_threads(runtime.torch_threads())
    model = chosen.find_model(options.system)
    decoding = chosen.usual_decoding(model)
    if options.film:
        frames, what = film(options.film, options.frames), options.film.name
    else:
        frames = pan(options.scene, 0, options.speed, options.frames or 60)
        what = f"a pan over {options.scene}, {options.speed} pixels a frame"
    scores = measure(load_system(model), frames, decoding)
    count = len(scores["off"].psnr)
    print(f"{what}: {count} frames; {chosen.said(model, decoding)}\n")
    print("\n".join(table(scores)))


if __name__ == "__main__":
    main()
