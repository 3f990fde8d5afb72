"""The pictures of a study, made once before anybody sees one: real, colored, and wrong on purpose.

All are PNG files written in the same way, so that neither compression nor the file tells which
one is real. Shape suffixes: H rows and W columns of a photo as it is shown, 2 chroma channels.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.progress import progress
from huescape.color.decoding import join
from huescape.color.spaces import rgb_to_lab, space
from huescape.coloring.manner import Manner
from huescape.coloring.painting import colorize
from huescape.metrics.baselines import resized
from huescape.params.decodings import Decoding
from huescape.study.plan import Design, Trial
from huescape.systems.system import System

Picture = npt.NDArray[np.uint8]
# Other photos that may lend a catch trial their colors; the one that differs most does.
_DONORS = 8


@dataclass(frozen=True)
class Painter:
    """A system as it takes part: what people call it, and how it is decoded."""

    name: str
    system: System
    decoding: Decoding

    def colored(self, rgb_HW3: Picture) -> Picture:
        """The photo as `huescape colorize` colors it, (H, W, 3)."""
        return colorize(self.system, rgb_HW3, self.decoding, as_print=Manner.as_print)


class Pictures:
    """PNG files by photo: the real one, and one for each system that is seen on it."""

    def __init__(
        self, design: Design, photos: Mapping[str, Picture], painters: Sequence[Painter]
    ) -> None:
        """Color what the sessions of a design show; photos by name, in the design's order."""
        self._rgb = list(photos.values())
        shown = sorted({*design.practice_photos, *design.test_photos})
        self._real = {k: png(self._rgb[k]) for k in (*shown, *design.catch_photos)}
        self._fake: dict[tuple[int, int | None], bytes] = {}
        for number, painter in enumerate(painters):
            for k in progress(shown, desc=painter.name):
                self._fake[k, number] = png(painter.colored(self._rgb[k]))
        for k in design.catch_photos:
            self._fake[k, None] = png(self._wrong(k, design.donor(k, _DONORS)))

    def shown(self, trial: Trial, place: int) -> bytes:
        """The first or the second picture of a trial, place 1 or 2."""
        is_fake = place == (1 if trial.fake_first else 2)
        return self._fake[trial.photo, trial.system] if is_fake else self._real[trial.photo]

    def _wrong(self, photo: int, donors: Sequence[int]) -> Picture:
        """The photo in the colors of another one: the baseline Random of Zhang et al. 2016.

        They take any photo; here it is that of some donors whose colors are farthest off.
        """
        lab_HW3 = rgb_to_lab(self._rgb[photo])
        height, width = lab_HW3.shape[:2]
        colors = [resized(rgb_to_lab(self._rgb[donor])[..., 1:], height, width) for donor in donors]
        away = [
            float(np.hypot(*(ab - lab_HW3[..., 1:]).transpose(2, 0, 1)).mean()) for ab in colors
        ]
        lightness_HW = np.ascontiguousarray(lab_HW3[..., 0], np.float32)
        return join(lightness_HW, colors[int(np.argmax(away))], space("lab"))


def png(rgb_HW3: Picture) -> bytes:
    """A PNG file of the pixels, and of nothing else."""
    stream = io.BytesIO()
    Image.fromarray(rgb_HW3).save(stream, format="PNG")
    return stream.getvalue()
