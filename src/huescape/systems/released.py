"""What a released model says of itself: the decoding that it is to be used with."""

from __future__ import annotations

from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.params.decodings import Decoding
from huescape.systems.system import DESCRIPTION, read_description

#: The section of `system.json` that a release has and a training does not.
SECTION = "release"


def own_decoding(folder: Path) -> Decoding | None:
    """How the model in `folder` is decoded unless told otherwise; None if it was not released.

    Raises HuescapeError for a description that cannot be read, or names no decoding.
    """
    release = read_description(folder).get(SECTION)
    if release is None:
        return None
    try:
        return Decoding.model_validate(release["decode"])
    except (KeyError, TypeError, ValueError) as error:
        where = f"{folder / DESCRIPTION}: {SECTION}.decode"
        raise HuescapeError(
            f"{where} is missing or wrong; allowed: a method, tau and temperature"
        ) from error
