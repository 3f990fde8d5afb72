"""A colorizer for other programs: `from huescape import Colorizer`.

Shape suffixes: Q bins; h, w are rows and columns of what a network gives, at most a few hundred.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict, TypeVar, Unpack, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.coloring.devices import find_device
from huescape.coloring.images import Taken, parts_of, take
from huescape.coloring.manner import Manner
from huescape.coloring.painting import paint
from huescape.coloring.prediction import Prediction, predict
from huescape.params.decodings import ANNEALED, Decoding, changed
from huescape.params.released import DEFAULT, released_model
from huescape.systems.chosen import find_model, usual_decoding
from huescape.systems.system import System, load_system, refuse_decoding

FloatArray = npt.NDArray[np.float32]
One = TypeVar("One", Image.Image, npt.NDArray[Any], Tensor)


class How(TypedDict, total=False):
    """What a call can say of colors, for type checkers; `Colorizer.__call__` explains it."""

    method: str | None
    tau: float | None
    temperature: float | None
    strength: float
    size: int | None
    edges: bool
    as_print: bool


class Confidence(NamedTuple):
    """How sure a model is of its colors, position by position.

    Attributes:
        top: the probability of the most likely bin, (h, w) float32 in [1 / Q, 1].
        entropy: of the distribution, (h, w) float32 in bits, 0 to log2 Q.
    """

    top: FloatArray
    entropy: FloatArray


@dataclass(frozen=True)
class SeenPicture:
    """A picture that a model has seen: colored, as often as wanted, without its network.

    Attributes:
        prediction: what the network gave, and the lightness that it saw.
    """

    colorizer: Colorizer
    prediction: Prediction
    _taken: Taken

    def colorize(
        self,
        *,
        method: str | None = None,
        tau: float | None = None,
        temperature: float | None = None,
        strength: float = 1.0,
        edges: bool = Manner.edges,
    ) -> Any:
        """The picture in color, of the kind that it was; arguments as of `Colorizer.__call__`."""
        decoding = self.colorizer._decoding(method, tau, temperature)
        Manner(strength=strength, edges=edges).check(dashes="")
        return self._painted(decoding, strength, edges)

    def distribution(self) -> FloatArray:
        """As `Colorizer.distribution`."""
        self.colorizer._insist_on_bins()
        logits_Qhw = self.prediction.output_1Cmn[0]
        return np.asarray(logits_Qhw.softmax(dim=0).cpu().numpy(), np.float32)

    def confidence(self) -> Confidence:
        """As `Colorizer.confidence`."""
        p_Qhw = self.distribution()
        # x log x is 0 at 0.
        surprise_Qhw = -p_Qhw * np.log2(np.maximum(p_Qhw, np.finfo(np.float32).tiny))
        return Confidence(p_Qhw.max(axis=0), np.maximum(surprise_Qhw.sum(axis=0), 0))

    def _painted(self, decoding: Decoding, strength: float, edges: bool) -> Any:
        photo = self._taken.photo
        colored_HW3 = paint(self.prediction, photo, decoding, strength=strength, edges=edges)
        return self._taken.give_back(colored_HW3)


class Colorizer:
    """A trained model that colors pictures: `Colorizer.load()(picture)`.

    Nothing is changed after it is made, so that threads may share one, and all methods give the
    same in any of them. A copy in another process is made by `load` there.

    Attributes:
        name: of the model.
        decoding: how a color is chosen from a distribution unless a call says otherwise.
    """

    def __init__(self, system: System, decoding: Decoding = ANNEALED, name: str = "system") -> None:
        self._system, self.decoding, self.name = system, decoding, name
        system.network.eval()

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device = "cpu",
    ) -> Colorizer:
        """A model by its name or folder, on a device.

        Args:
            model: by default `landscape`, which comes with huescape. Or the name of a model, which
                is looked for in `models/` of the current folder and then among those that come
                with huescape; or the folder of a system that was trained or released.
            device: what torch knows: `cpu`, `cuda`, `cuda:1`, `mps`. Only the network runs there.
        Raises:
            HuescapeError: no such model, or one that is damaged.
            ParamsError: a device that is not there.
        """
        if not isinstance(model, str | os.PathLike | None):
            raise HuescapeError(f"a model is {model!r}; allowed: a name, or the path of a folder")
        folder = released_model(DEFAULT) if model is None else find_model(os.fspath(model))
        decoding = usual_decoding(folder)
        return cls(
            load_system(folder, find_device(str(device), dashes="")),
            decoding,
            folder.resolve().name,
        )

    def __repr__(self) -> str:
        how = "a regression" if self._system.head == "chroma" else self.decoding.name
        return f"Colorizer({self.name}, {how}, {self.device})"

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self._system.device

    @property
    def space(self) -> str:
        """The color space of `centers`: `lab` or `yuv`."""
        return self._system.space.name

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """The chroma of each bin, (Q, 2): a*, b* of Lab, or U, V, as `space` says.

        Raises HuescapeError for a regression, which has no bins.
        """
        self._insist_on_bins()
        return self._system.centers.copy()

    @overload
    def __call__(self, image: One, **how: Unpack[How]) -> One: ...

    @overload
    def __call__(self, image: Sequence[Any], **how: Unpack[How]) -> list[Any]: ...

    def __call__(
        self,
        image: Any,
        *,
        method: str | None = None,
        tau: float | None = None,
        temperature: float | None = None,
        strength: float = 1.0,
        size: int | None = None,
        edges: bool = Manner.edges,
        as_print: bool = Manner.as_print,
    ) -> Any:
        """Pictures in color, with their own lightness except where a color leaves the gamut.

        Args:
            image: only its lightness is looked at. One of:
                - a PIL image of 8 bits a channel, or gray of 16;
                - a NumPy array (H, W), (H, W, 1), (H, W, 3) or a batch (N, H, W, 1 or 3), uint8 or
                  uint16, sRGB;
                - a torch tensor (1 or 3, H, W) or a batch (N, 1 or 3, H, W), uint8, or any floats
                  in [0, 1], sRGB;
                - a list or tuple of these.
            method: `annealed`, `median`, `mode` or `diffuse`; by default that of `decoding`.
                Another method comes with its own temperature, and tau 0.
            tau: 0 to 1; more is more vivid.
            temperature: above 0, to 1; less is more vivid.
            strength: what the chroma is multiplied by, 0 (gray) to 3.
            size: longer side, in pixels, of what the network sees, from 8; by default the model's.
            edges: whether colors end where the lightness changes.
            as_print: whether frames of old prints get no color, and faded ones are shown to the
                network from black to white.
        Returns:
            The same kind, height and width: a PIL image in mode RGB, or RGBA where it had alpha;
            an array (H, W, 3) or (N, H, W, 3) of its dtype; a tensor (3, H, W) or (N, 3, H, W) of
            its dtype, on its device (floats are computed to 16 bits); a list.
        Raises:
            HuescapeError: another kind, shape, dtype or range.
            ParamsError: an argument out of range, or how to decode for a regression.
        """
        decoding = self._decoding(method, tau, temperature)
        # Before the network runs.
        Manner(size=size, strength=strength, edges=edges, as_print=as_print).check(dashes="")

        def color(image: Any) -> Any:
            if (parts := parts_of(image)) is not None:
                pictures, together = parts
                return together([color(picture) for picture in pictures])
            seen = self.predict(image, size=size, as_print=as_print)
            return seen._painted(decoding, strength, edges)

        return color(image)

    def predict(
        self, image: Any, *, size: int | None = None, as_print: bool = Manner.as_print
    ) -> SeenPicture:
        """Let the network see one picture, once; what it gave is colored from by `colorize`.

        Args:
            image, size, as_print: as of a call; no list and no batch.
        Raises:
            HuescapeError, ParamsError: as a call.
        """
        Manner(size=size, as_print=as_print).check(dashes="")
        taken = take(image)
        seen = predict(self._system, taken.photo, size, as_print=as_print)
        return SeenPicture(self, seen, taken)

    def distribution(
        self, image: Any, *, size: int | None = None, as_print: bool = Manner.as_print
    ) -> FloatArray:
        """Probabilities of the bins, (Q, h, w) float32, whose colors are `centers`.

        At h x w positions of what the network sees: every pixel of it, or every `stride`-th. As the
        network has them, before any tau or temperature. Arguments and errors as of `predict`, and
        HuescapeError for a regression.
        """
        self._insist_on_bins()
        return self.predict(image, size=size, as_print=as_print).distribution()

    def confidence(
        self, image: Any, *, size: int | None = None, as_print: bool = Manner.as_print
    ) -> Confidence:
        """The highest probability and the entropy of each of `distribution`, two maps (h, w)."""
        self._insist_on_bins()
        return self.predict(image, size=size, as_print=as_print).confidence()

    def _decoding(
        self, method: str | None, tau: float | None, temperature: float | None
    ) -> Decoding:
        given = {"method": method, "tau": tau, "temperature": temperature}
        asked = [name for name, value in given.items() if value is not None]
        refuse_decoding(self._system, self.name, asked)
        return changed(self.decoding, method, tau, temperature)

    def _insist_on_bins(self) -> None:
        if self._system.head == "chroma":
            raise HuescapeError(
                f"{self.name!r} is a regression, which predicts colors and no distribution over "
                "bins; allowed: a model that classifies"
            )
