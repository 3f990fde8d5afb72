"""Pictures as other libraries have them, as arrays to color, and results as they had them.

Shape suffixes: N pictures of a batch, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.coloring.prediction import eight_bits

Array = npt.NDArray[Any]

_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_PLAIN = ("RGB", "L", "1", "P", "CMYK", "YCbCr", "HSV", "RGBX")
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_CHANNELS = (1, 3)
_TOP = 65535
_ROUNDING = 1e-6
_ARRAYS = "(H, W), (H, W, 1), (H, W, 3) or (N, H, W, 1 or 3) of uint8 or uint16"
_TENSORS = "(1 or 3, H, W) or (N, 1 or 3, H, W) of uint8, or of floats in [0, 1]"


@dataclass(frozen=True)
class Taken:
    """One picture of a person's.

    Attributes:
        photo: as `prediction.as_rgb` takes it: gray (H, W) or RGB (H, W, 3), uint8 or uint16.
        give_back: from RGB (H, W, 3) of that dtype to the kind that it was.
    """

    photo: Array
    give_back: Callable[[Array], Any]


def parts_of(image: Any) -> tuple[Sequence[Any], Callable[[list[Any]], Any]] | None:
    """The pictures of a list or batch, and what puts their results together; None for one picture.

    Raises HuescapeError for a batch of none.
    """
    if isinstance(image, list | tuple):
        return image, list
    if isinstance(image, np.ndarray | Tensor) and image.ndim == 4:
        if not len(image):
            raise HuescapeError(f"a batch of shape {tuple(image.shape)} holds no picture")
        together = np.stack if isinstance(image, np.ndarray) else torch.stack
        return list(image), together
    return None


def take(image: Any) -> Taken:
    """One picture; HuescapeError for what is none, or has another shape, dtype or range."""
    if isinstance(image, Image.Image):
        return _of_pillow(image)
    if isinstance(image, np.ndarray):
        return _of_numpy(image)
    if isinstance(image, Tensor):
        return _of_torch(image)
    raise HuescapeError(
        f"a picture is a {type(image).__name__}; allowed: a PIL image (PIL.Image.open opens a "
        "file), a NumPy array, a torch tensor, or a list of these"
    )


def _of_pillow(image: Image.Image) -> Taken:
    try:
        image.load()  # a file is read now
    except (OSError, SyntaxError, ValueError) as error:
        raise HuescapeError(f"the image cannot be read: {error}") from error
    if 0 in image.size:
        raise HuescapeError(f"the image has size {image.size}; allowed: at least 1 x 1 pixels")
    if image.mode in _SIXTEEN_BITS:
        levels_HW = np.asarray(image).astype(np.uint16)
        return Taken(eight_bits(levels_HW[..., None])[..., 0], Image.fromarray)
    if image.mode in _ALPHA or (image.mode in _PLAIN and "transparency" in image.info):
        image = image.convert("LA") if image.mode == "La" else image  # Pillow's only way from it
        rgba_HW4 = np.asarray(image.convert("RGBA"))
        return Taken(rgba_HW4[..., :3], _with_alpha(rgba_HW4[..., 3:]))
    if image.mode in _PLAIN:
        return Taken(np.asarray(image.convert("RGB")), Image.fromarray)
    modes = ", ".join([*_PLAIN, *_ALPHA, *_SIXTEEN_BITS])
    raise HuescapeError(f"the image has mode {image.mode}; allowed: {modes}")


def _with_alpha(alpha_HW1: Array) -> Callable[[Array], Image.Image]:
    return lambda rgb_HW3: Image.fromarray(np.concatenate([rgb_HW3, alpha_HW1], axis=-1))


def _of_numpy(array: Array) -> Taken:
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS)
    is_unsigned = array.dtype.kind == "u" and array.dtype.itemsize <= 2
    if not (is_picture and is_unsigned and array.size):
        raise HuescapeError(
            f"an array has dtype {array.dtype} and shape {array.shape}; allowed: {_ARRAYS}"
        )
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    photo = native[..., 0] if native.ndim == 3 and native.shape[2] == 1 else native
    return Taken(photo, lambda rgb_HW3: rgb_HW3)


def _of_torch(tensor: Tensor) -> Taken:
    is_picture = tensor.ndim == 3 and tensor.shape[0] in _CHANNELS and tensor.numel() > 0
    is_known = tensor.dtype == torch.uint8 or tensor.is_floating_point()
    if tensor.layout != torch.strided or tensor.is_meta:
        what = "no data" if tensor.is_meta else f"layout {tensor.layout}"
        raise HuescapeError(f"a tensor has {what}; allowed: dense ones ({_TENSORS})")
    if not (is_picture and is_known):
        raise HuescapeError(
            f"a tensor has dtype {tensor.dtype} and shape {tuple(tensor.shape)}; "
            f"allowed: {_TENSORS}"
        )
    here_CHW = tensor.detach().cpu()
    if tensor.dtype != torch.uint8:
        here_CHW = here_CHW.double()
        low, high = float(here_CHW.min()), float(here_CHW.max())
        if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # NaN is not
            raise HuescapeError(f"a tensor of floats spans {low:g} to {high:g}; allowed: 0 to 1")
        here_CHW = (here_CHW.clamp(0, 1) * _TOP).round()
    kind = np.uint8 if tensor.dtype == torch.uint8 else np.uint16
    photo = here_CHW.permute(1, 2, 0).numpy().astype(kind)
    return Taken(photo[..., 0] if photo.shape[2] == 1 else photo, _like(tensor))


def _like(tensor: Tensor) -> Callable[[Array], Tensor]:
    def give_back(rgb_HW3: Array) -> Tensor:
        planes_3HW = np.ascontiguousarray(np.moveaxis(rgb_HW3, -1, 0))
        if planes_3HW.dtype == np.uint16:
            planes_3HW = planes_3HW / _TOP
        return torch.from_numpy(planes_3HW).to(tensor.device, tensor.dtype)

    return give_back
