"""A few of the photos that are shown, colored at several temperatures, for the page to compare.

Nothing is scored of them: a temperature that is to be scored is one of `evaluate.decodes`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from huescape.color.decoding import join
from huescape.evaluation.passes import Seen, inside
from huescape.params.decodings import Decoding
from huescape.systems.system import System

#: From the mean of the distribution nearly to its mode; with Zhang et al.'s (2016) 0.38 among them.
TEMPERATURES = (1.0, 0.7, 0.5, 0.38, 0.2)
#: How many photos: as many as a person compares, and a page can hold.
PHOTOS = 4


def at_temperatures(system: System, seen: Seen) -> npt.NDArray[np.uint8] | None:
    """The photo (T, H, W, 3) in sRGB by the annealed mean at each of TEMPERATURES.

    None for a regression, which has one color a pixel.
    """
    if system.head == "chroma":
        return None
    size = seen.lightness_HW.shape[0], seen.lightness_HW.shape[1]
    lightness_11HW = torch.from_numpy(seen.lightness_HW)[None, None]
    own_HW = inside(seen.lightness_HW, seen.own)
    pictures = []
    for temperature in TEMPERATURES:
        decoding = Decoding(temperature=temperature)
        chroma_12HW = system.decode(seen.output_Chw[None], decoding, size, size, lightness_11HW)
        chroma_HW2 = chroma_12HW[0].permute(1, 2, 0).cpu().numpy()
        pictures.append(join(own_HW, inside(chroma_HW2, seen.own), system.space))
    return np.stack(pictures)
