"""The model as MLflow serves it: MLflow imports this module and calls `_load_pyfunc`.

Photos in, colored photos out, by the same way as `huescape colorize`: the lightness of every pixel
is the photo's own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.memory import explained_by
from huescape.coloring.encoded import encoded
from huescape.coloring.manner import Manner
from huescape.coloring.originals import read_original, said_size, why_not
from huescape.coloring.painting import colorize
from huescape.coloring.results import colored
from huescape.params.decodings import ANNEALED, Decoding, changed
from huescape.photos import MAX_PIXELS, PhotoError
from huescape.systems.system import System, load_system, refuse_decoding

#: The column of photos, in and out.
COLUMN = "image"
_DECODING = ("method", "tau", "temperature")
_MOST_SIZE = 1024  # or one request could take all memory
_ALLOWED = "allowed: base64 of a photo's file, its bytes, or its pixels"
_DATA_URL = re.compile(r"data:[^,]{0,100},")  # as browsers write it


class ServedSystem:
    """A trained system behind MLflow's `predict`."""

    def __init__(self, system: System, name: str, decoding: Decoding) -> None:
        self._system, self._name, self._decoding = system, name, decoding
        # A server asks from several threads: Pillow's limit is one of the whole process, and the
        # memory that photos take is that of one at a time.
        self._alone = Lock()

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Color the photos of the column `image`, row by row.

        Args:
            model_input: each photo as the base64 of a file of any format that `huescape colorize`
                reads (a data URL too), as that file's bytes, or as an array: uint8 or uint16, RGB
                (H, W, 3) or gray (H, W).
            params: those of `huescape colorize`: `method`, `temperature` and `tau` of the decoding;
                `size`, the longer side that the network sees, 8 to 1024 pixels; `strength`, what
                the chroma is multiplied by, 0 to 3; `edges`, whether colors end where the lightness
                changes. None, or none of a name: the model's own, and 1, and yes.
        Returns:
            The column `image` under the same index: base64 of the PNG that the command would write,
            or an array, RGB (H, W, 3) of the dtype that came in.
        Raises:
            MlflowException: of INVALID_PARAMETER_VALUE, with one line, for parameters out of range
                and for the first row that is no photo; a server answers 400. No row is colored then
                without the others.
        """
        given = {key: value for key, value in (params or {}).items() if value is not None}
        try:
            manner = self._manner(given)
            cells = model_input[COLUMN].tolist()
            found = [self._colored(row, cell, manner) for row, cell in enumerate(cells)]
        except HuescapeError as error:
            raise _refusal(str(error)) from error
        return pd.DataFrame({COLUMN: pd.Series(found, index=model_input.index, dtype=object)})

    def _manner(self, given: Mapping[str, Any]) -> Manner:
        asked = {key: given[key] for key in _DECODING if key in given}
        refuse_decoding(self._system, self._name, list(asked))
        others = {key: value for key, value in given.items() if key not in _DECODING}
        manner = replace(Manner(changed(self._decoding, **asked)), **others)
        manner.check(dashes="")
        if manner.size and manner.size > _MOST_SIZE:
            raise ParamsError(f"size is {manner.size}; allowed: at most {_MOST_SIZE} pixels")
        return manner

    def _colored(self, row: int, cell: object, manner: Manner) -> object:
        """Raises HuescapeError that begins with the row."""
        said = "the photo"

        def explain() -> HuescapeError:
            return HuescapeError(f"out of memory for {said}; ask for a lower size, or shrink it")

        try:
            with self._alone, explained_by(explain):
                if isinstance(cell, np.ndarray):
                    return self._of_pixels(cell, manner)
                original = read_original(_content(cell), MAX_PIXELS)
                said = said_size(original.pixels)
                rgb_HW3, alpha_HW = colored(self._system, original, manner, "PNG")
                pieces, _ = encoded("PNG", rgb_HW3, alpha_HW, original.metadata)
                return base64.b64encode(b"".join(pieces)).decode("ascii")
        except PhotoError as error:
            raise HuescapeError(f"row {row}: {why_not(error, Path())}") from error
        except HuescapeError as error:
            raise HuescapeError(f"row {row}: {error}") from error

    def _of_pixels(self, photo: npt.NDArray[Any], manner: Manner) -> npt.NDArray[Any]:
        return colorize(
            self._system,
            photo,
            manner.decoding,
            manner.size,
            strength=manner.strength,
            edges=manner.edges,
            as_print=manner.as_print,
        )


def _content(cell: object) -> bytes:
    """The bytes of a photo's file. Raises HuescapeError for what is none."""
    if isinstance(cell, str):
        text = "".join(_DATA_URL.sub("", cell, count=1).split())
        try:
            cell = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise HuescapeError(f"is no base64: {error}; {_ALLOWED}") from error
    if not isinstance(cell, bytes):
        raise HuescapeError(f"is {type(cell).__name__}; {_ALLOWED}")
    if not cell:
        raise HuescapeError(f"is empty; {_ALLOWED}")
    return cell


def _refusal(message: str) -> Exception:
    # Here, not above: whoever loads a model has imported MLflow, with settings of their own.
    from mlflow.exceptions import MlflowException

    refusal: Exception = MlflowException.invalid_parameter_value(message)
    return refusal


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> ServedSystem:
    """Raises HuescapeError for a folder that is no sound system, ParamsError for a wrong decoding.

    `model_config` is the model's own decoding; whoever loads it may change that.
    """
    folder = Path(path)
    decoding = changed(ANNEALED, **(model_config or {}))
    return ServedSystem(load_system(folder), folder.name, decoding)
