"""What params.yaml names on the disk: the user's own, which no stage may remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from huescape.base.errors import ParamsError
from huescape.params.download import DownloadParams
from huescape.params.messages import printable, short
from huescape.params.places import conflict
from huescape.params.systems import SystemParams


def source_files(download: DownloadParams) -> Iterator[tuple[str, Path]]:
    """The dotted key and the path of everything that a source names on the disk."""
    for number, source in enumerate(download.sources):
        for name, path in source.paths.items():
            yield f"download.sources.{number}.{name}", path


def input_files(prefix: str, system: SystemParams) -> Iterator[tuple[str, Path]]:
    """The dotted key, below `prefix`, and the path of every file that a system names.

    Released weights, and every option of a network or loss that is a path, or a name, a colon and
    a path (`vgg16:weights.pth`).
    """
    if system.initialization.file is not None:
        yield f"{prefix}.initialization.file", Path(system.initialization.file)
    for section, named in (("network", system.network), ("loss", system.loss)):
        for key, text in _texts(named.options, f"{prefix}.{section}"):
            _, colon, path = text.partition(":")
            if colon or "/" in text:
                yield key, Path(path if colon else text)


def refuse_outputs(named: Iterator[tuple[str, Path]], where: str, project: Path) -> None:
    """Raise ParamsError for the first input that lies in, at or above an output of `project`."""
    for key, path in named:
        try:
            place = conflict(path, project)
            _look_up(path)
        except (OSError, ValueError, RuntimeError) as error:  # NUL, too long, a loop, no such user
            raise ParamsError(
                f"{where}: {key} is {short(str(path), 80)}: {_reason(error)}; allowed: a path"
            ) from error
        if place is not None:
            raise ParamsError(
                f"{where}: {key} is {short(str(path), 80)}, which lies in or above {place}, where "
                "stages and tools remove what they did not write; allowed: a path outside, such as "
                "data/external"
            )


def _look_up(path: Path) -> None:
    """Raise OSError for what can be no path; whether it is there is asked when it is read."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        path.expanduser().lstat()


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{key}.{number}")


def _reason(error: Exception) -> str:
    return printable(getattr(error, "strerror", None) or str(error))
