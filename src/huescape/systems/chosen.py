"""Which model a person means, and how it is decoded unless they say otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.load import load_params
from huescape.params.places import MODELS, PARAMS, trained_model
from huescape.params.released import RELEASED, released_model, released_models
from huescape.systems.released import own_decoding
from huescape.systems.system import DESCRIPTION, head_of, read_description


def find_model(name: str) -> Path:
    """The folder of a system that the project has trained, of a shipped one, or a folder by path.

    The first of these that there is; HuescapeError, with what is allowed, where there is none.
    """
    path = Path(name)
    is_name = path.name == name != ".."
    # os.path says no to names that no disk takes, where Path raises.
    if is_name and os.path.isdir(MODELS / name):  # noqa: PTH112
        return MODELS / name
    if name in released_models():
        return released_model(name)
    if os.path.isfile(path / DESCRIPTION):  # noqa: PTH113
        return path
    if not is_name:
        raise HuescapeError(f"{name}: no {DESCRIPTION} there; allowed: the folder of a model")
    shipped = ", ".join(released_models()) or "none"
    try:
        return trained_model(name)
    except HuescapeError as error:
        raise HuescapeError(f"{error}; shipped: {shipped}; or name the folder of a model") from None


def usual_decoding(model: Path) -> Decoding:
    """That of a release; `evaluate.decode` for what the project trained; else the annealed mean.

    Raises HuescapeError for a model that cannot be read, ParamsError for wrong parameters.
    """
    if own := own_decoding(model):
        return own
    return (
        load_params(PARAMS).evaluate.decode
        if model.resolve().parent == MODELS.resolve()
        else ANNEALED
    )


def said(model: Path, decoding: Decoding, origin: str = "") -> str:
    """For people: `landscape (shipped with huescape), median tau=0.4`; a regression has no more.

    `origin` is where it came from, if that is more than the folder says.
    """
    origin = origin or ("shipped with huescape" if model.parent == RELEASED else str(model))
    is_regression = head_of(read_description(model)["quantizer"]) == "chroma"
    return f"{model.resolve().name} ({origin})" + ("" if is_regression else f", {decoding.name}")
