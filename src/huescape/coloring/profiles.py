"""Color profiles (ICC): what turns pixels of one into sRGB, by LittleCMS as Pillow has it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Levels = npt.NDArray[np.uint8]
#: An image to one of mode RGB and of its size.
Change = Callable[[Image.Image], Image.Image]

_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
# Inks are never black: as in print shops, their darkest becomes black.
_FLAGS = {"CMYK": ImageCms.Flags.BLACKPOINTCOMPENSATION}
# Of 0 to 255, along each channel: enough to tell a profile from sRGB.
_STEPS = 9


class ProfileError(ValueError):
    """A profile that cannot be used for the pixels it comes with; says why."""


@dataclass(frozen=True)
class Conversion:
    """What turns pixels of 8 bits into sRGB.

    Attributes:
        mode: of the images that `apply` takes: L, RGB or CMYK.
        apply: the conversion itself.
        is_srgb: whether it leaves pixels as they are, but for a level.
    """

    mode: str
    apply: Change
    is_srgb: bool


def conversion(icc: bytes, mode: str) -> Conversion:
    """How pixels of mode L, RGB or CMYK with the profile `icc` become sRGB.

    Gray pixels may have a profile of RGB. Colors are kept as they are relative to white (relative
    colorimetric).

    Raises ProfileError for bytes that are no profile, or one of other pixels.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        space = profile.profile.xcolor_space
        takes = _MODES.get(space, "")
        if takes != mode and (mode, takes) != ("L", "RGB"):
            raise ProfileError(f"is one of {space.strip() or 'nothing'}, which the pixels are not")
        flags = _FLAGS.get(takes, ImageCms.Flags.NONE)
        transform = ImageCms.buildTransform(profile, _srgb(), takes, "RGB", _INTENT, flags)
    except (OSError, TypeError, ValueError, ImageCms.PyCMSError) as error:
        if isinstance(error, ProfileError):
            raise
        raise ProfileError("is damaged") from error

    def apply(image: Image.Image) -> Image.Image:
        found = ImageCms.applyTransform(image.convert(takes), transform)
        assert found is not None  # which it is in place alone
        return found

    return Conversion(mode, apply, mode != "CMYK" and _is_srgb(mode, apply))


def gray_table(apply: Change) -> Levels:
    """The sRGB level of each of 256 gray ones, (256,)."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    rgb_N3 = np.asarray(apply(ramp))[0].astype(np.float64)
    levels_N: Levels = np.rint(rgb_N3.mean(axis=1)).astype(np.uint8)
    return levels_N


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The profile that results carry, the same bytes at any time."""
    content = bytearray(ImageCms.ImageCmsProfile(_srgb()).tobytes())
    content[24:36] = np.array([2020, 1, 1, 0, 0, 0], ">u2").tobytes()  # when it was made
    return bytes(content)


@lru_cache(maxsize=1)
def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")


def _is_srgb(mode: str, apply: Change) -> bool:
    """Whether no color of a grid moves by more than a level."""
    if mode == "L":
        away = gray_table(apply).astype(int) - np.arange(256)
        return bool(np.abs(away).max() <= 1)
    steps = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    grid_1N3 = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    moved_1N3 = np.asarray(apply(Image.fromarray(grid_1N3))).astype(int)
    return bool(np.abs(moved_1N3 - grid_1N3).max() <= 1)
