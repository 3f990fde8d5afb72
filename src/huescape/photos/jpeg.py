"""Decode JPEG photos without Pillow, where the pixels are Pillow's for certain.

Both run libjpeg-turbo with the same settings, so the pixels are the same; simplejpeg hands it the
whole file at once and has it write where the pixels are wanted, where Pillow feeds it piece by
piece, then copies. A file counts as decoded only if libjpeg-turbo had not a single warning: Pillow
overlooks warnings, so such a file is sound to Pillow too. Everything else is left to Pillow, whose
verdict on odd and damaged files holds.

Shape suffixes: H rows and W columns of the photo as it is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image


def is_plain(image: Image.Image) -> bool:
    """Whether Pillow, which has read the header, sees one JPEG photo of color or gray pixels."""
    return image.format == "JPEG" and image.mode in ("RGB", "L")


def decode(data: bytes, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
    """The pixels of a JPEG file of `size` (width, height): RGBA uint8 (H, W, 4), C-contiguous.

    Gray is repeated in the three colors; A is 255. None where Pillow has to judge: the file is
    damaged, or made in a way that simplejpeg does not take.
    """
    try:
        rgba_HW4: npt.NDArray[Any] = simplejpeg.decode_jpeg(
            data, "RGBA", fastdct=False, fastupsample=False, strict=True
        )
    except MemoryError:
        raise
    except Exception:  # ValueError today; whatever it is, Pillow says what is wrong
        return None
    return rgba_HW4 if rgba_HW4.shape == (size[1], size[0], 4) else None
