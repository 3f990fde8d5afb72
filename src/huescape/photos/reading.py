"""The bytes of a photo, and the one error for photos that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.base.regular import open_regular


class PhotoError(HuescapeError):
    """A photo cannot be used; `reason` is a word of `catalog.REASONS`, `detail` says why.

    The reason is `undecodable`, `unsupported`, `too_large` or `missing`.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return PhotoError, (self.reason, self.detail)


def read_bytes(path: Path, offset: int | None = None, size: int | None = None) -> bytes:
    """The bytes of a photo: the whole file, or `size` bytes at `offset` of an uncompressed tar.

    Raises PhotoError("missing") if the file cannot be read, is a pipe or device, which may have no
    end, or ends before the photo does.
    """
    try:
        with open_regular(path) as file:
            if offset is None:
                return file.read()
            file.seek(offset)
            content = file.read(-1 if size is None else size)
    except OSError as error:
        raise PhotoError("missing", f"{path}: {error.strerror or error}") from error
    if size is not None and len(content) != size:
        raise PhotoError("missing", f"{path}: ends before the photo at byte {offset} does")
    return content
