"""A photo that was seen once by a network, to be painted again as often as a slider moves.

Shape suffixes: H rows and W columns, of the photo or of its preview.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.errors import ParamsError
from huescape.coloring.hints import Hinting
from huescape.coloring.manner import Manner
from huescape.coloring.originals import read_seen
from huescape.coloring.painting import Field, field_of, paint_field
from huescape.coloring.prediction import Prediction, predict, shrunk
from huescape.coloring.strokes import Hint
from huescape.params.decodings import Decoding
from huescape.photos import PhotoError
from huescape.serving.refusals import Refusal, of_photo
from huescape.systems.system import System

Format = Literal["png", "jpeg"]

# Of libjpeg: more would end in an error of the encoder.
_JPEG_SIDE = 65_500
_OPTIONS: dict[Format, dict[str, Any]] = {
    "png": {"compress_level": 3},  # 6, the default, takes far longer and saves little of a photo
    "jpeg": {"quality": 95, "subsampling": 0},
}


@dataclass(frozen=True)
class Look:
    """How a prediction is turned into colors.

    Attributes:
        decoding: how a color is chosen; of no account for a regression.
        strength: what the network's chroma is multiplied by; 0 is gray.
        hints: a person's, in pixels of the photo in its own size, whatever size is painted.
    """

    decoding: Decoding
    strength: float = 1.0
    hints: tuple[Hint, ...] = ()


class SeenPhoto:
    """One photo: its file, what the network said of it, and a small copy to show.

    Full-size pixels are not kept: they are decoded again for a download. One object may serve
    several threads.

    Attributes:
        size: (width, height) as seen.
        preview_HW3: uint8 RGB, at most as large as was asked for.
    """

    def __init__(self, system: System, data: bytes, pixels: int, preview: int) -> None:
        """Decode and predict: not for several threads at once.

        Args:
            data: a file of a format of `photos.formats`.
            pixels: the most that the photo may have, by its header.
            preview: longer side of the preview.
        Raises:
            Refusal: 400, 413 or 415, a file that cannot be read.
        """
        self._data, self._pixels = data, pixels
        rgb_HW3 = self._decoded()
        self.size = rgb_HW3.shape[1], rgb_HW3.shape[0]
        self.preview_HW3 = np.ascontiguousarray(shrunk(rgb_HW3, preview))
        self._prediction: Prediction = predict(system, rgb_HW3, as_print=Manner.as_print)
        self._last: tuple[Decoding, Field] | None = None
        self._hinted: tuple[Look, Field] | None = None

    def preview(self, look: Look) -> npt.NDArray[np.uint8]:
        """The preview in the colors of `look`, uint8 (H, W, 3); Refusal 422 as of `full`."""
        return self._painted(look, self.preview_HW3)

    def full(self, look: Look) -> npt.NDArray[np.uint8]:
        """The photo in its own size, uint8 (H, W, 3); as the constructor, not for several threads.

        The same pixels as `huescape colorize` gives it with the same decoding and hints.

        Raises Refusal 422 for a hint outside the photo, or on the border of a print.
        """
        return self._painted(look, self._decoded())

    def _painted(self, look: Look, rgb_HW3: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        field = self._hinted_field(look) if look.hints else self._plain_field(look)
        return paint_field(self._prediction.system.space, field, rgb_HW3)

    def _hinted_field(self, look: Look) -> Field:
        """Found once for a look: a download, mostly, is of the look that was seen last."""
        last = self._hinted
        if last is None or last[0] != look:
            plain, (width, height) = self._plain_field(look), self.size
            try:
                field = self._hinting.field(plain, look.hints, (height, width))
            except ParamsError as error:
                raise Refusal(422, str(error)) from error
            last = self._hinted = look, field
        return last[1]

    @cached_property
    def _hinting(self) -> Hinting:
        """Only where a hint comes; most photos get none."""
        return Hinting(self._prediction)

    def _plain_field(self, look: Look) -> Field:
        return self._field(look.decoding).scaled(look.strength)

    def _field(self, decoding: Decoding) -> Field:
        """Decoded once for all strengths: the median is most of the work of a small picture."""
        last = self._last
        if last is None or last[0] != decoding:
            last = self._last = decoding, field_of(self._prediction, decoding, edges=Manner.edges)
        return last[1]

    def _decoded(self) -> npt.NDArray[np.uint8]:
        try:
            return read_seen(self._data, self._pixels)
        except PhotoError as error:
            raise of_photo(error) from error


def quick(picture_HW3: npt.NDArray[np.uint8]) -> bytes:
    """A JPEG file to look at while a slider moves."""
    return _file(picture_HW3, "JPEG", {"quality": 90})


def encoded(picture_HW3: npt.NDArray[np.uint8], kind: Format) -> bytes:
    """A file to keep: PNG, or JPEG of quality 95; Refusal 422 for more than a JPEG can hold."""
    if kind == "jpeg" and max(picture_HW3.shape) > _JPEG_SIDE:
        raise Refusal(422, f"a JPEG has at most {_JPEG_SIDE:,} pixels a side; download a PNG")
    return _file(picture_HW3, kind.upper(), _OPTIONS[kind])


def _file(picture_HW3: npt.NDArray[np.uint8], name: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture_HW3).save(stream, format=name, **options)
    return stream.getvalue()
