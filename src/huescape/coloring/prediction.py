"""What a system says of a photo of any size: one pass of its network, to be decoded at will.

Shape suffixes: H rows and W columns of the photo; h, w of what the network sees; m, n of its
output; C outputs (bins, or 2 of chroma).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.color.spaces import rgb_to_lab
from huescape.coloring.borders import WHOLE, Frame, find_frame
from huescape.coloring.levels import restored
from huescape.coloring.manner import check_size
from huescape.params.decodings import Decoding
from huescape.photos.toning import ONE_TONE, own_chroma
from huescape.systems.system import System

SIZE = 256


@dataclass(frozen=True)
class Prediction:
    """One photo as a system saw it.

    Attributes:
        system: whose it is.
        output_1Cmn: logits, or chroma in units of the space's `chroma_scale`.
        lightness_hw: that of the photo, as large as the network saw it, float32, in units of the
            system's space.
        frame: what of the photo the network saw.
    """

    system: System
    output_1Cmn: Tensor
    lightness_hw: npt.NDArray[np.float32]
    frame: Frame = WHOLE

    def chroma(self, decoding: Decoding) -> npt.NDArray[np.float32]:
        """The color of each of the network's positions, (2, m, n), before any clipping.

        Or of each pixel that it saw, (2, h, w), where the decoding is `diffuse`.
        """
        lightness_11hw = torch.from_numpy(self.lightness_hw)[None, None]
        chroma_12mn = self.system.chroma(self.output_1Cmn, decoding, lightness_11hw)
        return np.asarray(chroma_12mn[0].cpu().numpy())


def predict(
    system: System, photo: npt.NDArray[Any], size: int | None = None, *, as_print: bool = False
) -> Prediction:
    """Let a system see a photo.

    Args:
        photo: RGB (H, W, 3) or gray (H, W), uint8 or uint16; only its lightness is used.
        size: the longer side, in pixels, of what the network sees, to which a photo is only ever
            shrunk (a system's own `view` may scale it up again); by default that of `seen_size`.
        as_print: whether a frame around the picture is left out, and gets no color (`borders`), and
            a picture in gray or one tone that has faded is shown from black to white (`levels`).
    Raises:
        HuescapeError: another shape or dtype. ParamsError: a size out of range.
    """
    rgb_HW3 = as_rgb(photo)
    frame = find_frame(rgb_HW3) if as_print else WHOLE
    rows, columns = frame.within((rgb_HW3.shape[0], rgb_HW3.shape[1]))
    small_hw3 = shrunk(rgb_HW3[rows, columns], seen_size(system, size))
    lightness_hw = np.ascontiguousarray(system.space.from_rgb(small_hw3)[..., 0])
    shown_hw = lightness_hw
    if as_print and own_chroma(rgb_to_lab(small_hw3)) < ONE_TONE:
        shown_hw = restored(lightness_hw, system.space)
    output_1Cmn = system.predict(system.normalize(torch.from_numpy(shown_hw)[None, None]))
    return Prediction(system, output_1Cmn, lightness_hw, frame)


def as_rgb(photo: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The photo as (H, W, 3), gray repeated; HuescapeError for another shape or dtype."""
    photo = np.asarray(photo)
    if photo.ndim == 2:
        photo = np.broadcast_to(photo[..., None], (*photo.shape, 3))
    known = photo.dtype in (np.uint8, np.uint16)
    if not known or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise HuescapeError(
            f"a photo has dtype {photo.dtype} and shape {photo.shape}; "
            "allowed: uint8 or uint16, (H, W, 3) or (H, W)"
        )
    return photo


def shrunk(rgb_HW3: npt.NDArray[Any], size: int) -> npt.NDArray[np.uint8]:
    """The photo as the training saw its photos: 8 bits, Lanczos, only ever downsampled."""
    rgb_HW3 = eight_bits(rgb_HW3)
    height, width = rgb_HW3.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return rgb_HW3
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(rgb_HW3))
    return np.asarray(image.resize(fitted, Image.Resampling.LANCZOS))


def eight_bits(rgb_HW3: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Levels of 16 bits rounded to 8, those of 8 as they are; row by row, for big photos."""
    if rgb_HW3.dtype == np.uint8:
        return rgb_HW3
    out_HW3 = np.empty(rgb_HW3.shape, np.uint8)
    for row_W3, out_W3 in zip(rgb_HW3, out_HW3, strict=True):
        out_W3[:] = (row_W3.astype(np.uint32) + 128) // 257
    return out_HW3


def seen_size(system: System, size: int | None) -> int:
    """`size`, or where there is none, the system's view; else 256, as photos are stored by default.

    Raises ParamsError for a size out of range.
    """
    check_size(size)
    return size or system.params.geometry.view or SIZE
