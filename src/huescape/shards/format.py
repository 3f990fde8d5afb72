"""What a folder of shards looks like: names, columns, sidecars and the index, as data.

A shard NNNNN is one C-order `.npy` file for each column (`NNNNN.rgb.npy`, first axis the photos)
and a sidecar `NNNNN.json`; `index.json` lists the shards. Numbers are little-endian.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from huescape.base import digests
from huescape.base.errors import HuescapeError
from huescape.base.regular import read_regular

VERSION = 2
KINDS = ("photos", "targets")
INDEX = "index.json"
# Of a `chroma` column: the level that stands for 1, a finer step than any eye or loss can tell.
CHROMA_LEVELS = 32767


@dataclass(frozen=True)
class Column:
    """One array for each photo: its name, NumPy dtype and shape (without the photos' axis)."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype).name)
        object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype as stored: little-endian."""
        return np.dtype(self.dtype).newbyteorder("<")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = 2


R = TypeVar("R", bound="_Record")


def _numeric(dtype: str) -> str:
    try:
        known = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):
        known = np.dtype(object)
    if known.kind not in "biuf" or known.name != dtype:
        raise ValueError(f"dtype is {dtype!r}; allowed: one of numbers, such as uint8")
    return dtype


Xxh3 = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
DType = Annotated[str, AfterValidator(_numeric)]
Shape = tuple[Annotated[int, Field(ge=0)], ...]


class StoredColumn(BaseModel):
    """A column of one shard: both digests and `bytes` are those of the whole `.npy` file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: DType
    shape: Shape
    sha256: str
    xxh3: Xxh3
    bytes: int


class Sidecar(_Record):
    """What a shard holds; `extra` is what its maker passes on to the one who gathers the shards."""

    name: str
    count: int = Field(ge=0)
    ids: list[str]
    splits: list[str]
    columns: dict[str, StoredColumn]
    extra: dict[str, Any] = {}


class IndexColumn(BaseModel):
    """A column, common to all shards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: DType
    shape: Shape


class IndexShard(BaseModel):
    """A shard: XXH3 of each column's file, SHA-256 of its sidecar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    count: int = Field(ge=0)
    xxh3: dict[str, Xxh3]
    sidecar: str


class Index(_Record):
    """The whole folder; `meta` says how it was made."""

    kind: Literal["photos", "targets"]
    columns: dict[str, IndexColumn]
    count: int = Field(ge=0)
    splits: dict[str, int]
    shards: list[IndexShard]
    meta: dict[str, Any]


def shard_name(number: int) -> str:
    """`00007` for 7."""
    return f"{number:05d}"


def column_file(name: str, column: str) -> str:
    """`00007.rgb.npy` for shard 00007, column rgb."""
    return f"{name}.{column}.npy"


def sidecar_file(name: str) -> str:
    """`00007.json` for shard 00007."""
    return f"{name}.json"


def read_sidecar(folder: Path, name: str, again: str) -> Sidecar:
    """The sidecar of shard `name`; HuescapeError if it is missing, unknown or inconsistent.

    `again` ends the message: what makes a damaged one anew.
    """
    path = folder / sidecar_file(name)
    sidecar = _parsed(Sidecar, path, _content(path), again)
    if not sidecar.count == len(sidecar.ids) == len(sidecar.splits):
        raise HuescapeError(
            f"{path}: count is {sidecar.count}, but it lists {len(sidecar.ids)} ids and "
            f"{len(sidecar.splits)} splits; {again}"
        )
    return sidecar


def read_index(folder: Path, kind: str = "photos") -> Index:
    """The index of `folder`; HuescapeError if it is missing, damaged, unknown or inconsistent.

    `kind` is the one that is expected; the message names the command that makes such shards.
    """
    path = folder / INDEX
    stage = maker(folder, kind)
    index = _parsed(Index, path, digests.read_verified(path, stage), digests.remedy(stage))
    total = sum(shard.count for shard in index.shards)
    if total != index.count:
        raise HuescapeError(
            f"{path}: count is {index.count}, but its shards hold {total}; {digests.remedy(stage)}"
        )
    return index


def whole_number(meta: Mapping[str, Any], key: str, folder: Path, kind: str) -> int:
    """A number that every reader of such shards needs, of the `meta` of their index.

    Raises HuescapeError, naming the index and the key, where it is missing or not from 1.
    """
    value = meta.get(key)
    if type(value) is not int or value < 1:
        raise HuescapeError(
            f"{folder / INDEX}: meta.{key} is {reprlib.repr(value)}; allowed: a whole number from "
            f"1; {digests.remedy(maker(folder, kind))}"
        )
    return value


def masses(described: Mapping[str, Any], path: Path, stage: str) -> npt.NDArray[np.int64]:
    """The `mass` of each bin, (Q,), of the `meta` of targets or the `extra` of one shard of them.

    Raises HuescapeError, naming the file `path` that holds it and the stage that makes it again.
    """
    mass = described.get("mass")
    if not isinstance(mass, list) or not all(type(m) is int and 0 <= m < 2**63 for m in mass):
        raise HuescapeError(
            f"{path}: mass is {reprlib.repr(mass)}; allowed: a list of whole numbers from 0, one "
            f"for each bin; {digests.remedy(stage)}"
        )
    return np.array(mass, np.int64)


def maker(folder: Path, kind: str) -> str:
    """The stage that makes a folder of shards of `kind`, as DVC names it."""
    return "resize" if kind == "photos" else f"encode@{folder.name}"


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except FileNotFoundError as error:
        raise HuescapeError(f"{path}: no such file; the shards are not complete") from error
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror or error}") from error


def _parsed(record: type[R], path: Path, content: bytes, again: str) -> R:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise HuescapeError(f"{path}: not valid JSON: {error}; {again}") from error
    except RecursionError as error:
        raise HuescapeError(f"{path}: not valid JSON: nested too deeply; {again}") from error
    _check_version(value, path)
    try:
        return record.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise HuescapeError(f"{path}: {key}: {first['msg']}; {again}") from error


def _check_version(value: Any, path: Path) -> None:
    """An unknown version or kind gets its own message: another program wrote the folder."""
    if not isinstance(value, dict):
        raise HuescapeError(f"{path}: holds {type(value).__name__}, not an object of JSON")
    kind = value.get("kind", KINDS[0])
    if kind not in KINDS:
        raise HuescapeError(f"{path}: kind is {kind!r}; allowed: {', '.join(KINDS)}")
    if value.get("version") != VERSION:
        again = f"; {digests.remedy(maker(path.parent, kind))}" if "kind" in value else ""
        raise HuescapeError(
            f"{path}: version is {value.get('version')!r}; "
            f"this program reads version {VERSION}{again}"
        )
