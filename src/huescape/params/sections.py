"""One section of params.yaml, for the stage that needs no other.

All of the file is checked before any stage runs (params/load.py). A stage then reads what is its
own by itself: the code of the other sections cannot change its outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from huescape.base.errors import ParamsError
from huescape.params.messages import explain
from huescape.params.yaml_files import read_yaml

M = TypeVar("M", bound=BaseModel)


def read_section(path: Path, name: str, model: type[M]) -> M:
    """The section `name` of the parameters in `path`; its defaults where it is not there.

    Raises ParamsError, in one line that names the file, the dotted key and what is allowed.
    """
    return validate(model, _sections(path).get(name, {}), str(path), (name,))


def read_entry(path: Path, section: str, name: str, model: type[M]) -> M:
    """What `path` says of one quantizer or system.

    Raises ParamsError for a name that is not there, too.
    """
    listed = entries(path, section)
    if name not in listed:
        allowed = ", ".join(sorted(listed)) or "none"
        raise ParamsError(f"{path}: {section}.{name} is not there; allowed: {allowed}")
    return validate(model, _sections(path)[section][name], str(path), (section, name))


def entries(path: Path, section: str) -> list[str]:
    """The names that `path` says something of in that section."""
    found = _sections(path).get(section)
    return [name for name in found if isinstance(name, str)] if isinstance(found, dict) else []


def _sections(path: Path) -> dict[str, Any]:
    values = read_yaml(path)
    return values if isinstance(values, dict) else {}


def validate(model: type[M], value: Any, where: str, prefix: tuple[str, ...] = ()) -> M:
    """`value`, read from `where` below the keys `prefix`, as `model`; raises ParamsError."""
    if not isinstance(value, dict):
        raise ParamsError(f"{where}: expected sections and keys, found {type(value).__name__}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        line = explain(error.errors()[0], value, model.model_json_schema(), prefix)
        raise ParamsError(f"{where}: {line}") from error
