"""What the sources have in common that can download their archives."""

from __future__ import annotations

import sys
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from huescape.sources.pace import Patience
from huescape.sources.source import SourceOnDisk


class DownloadedSource(SourceOnDisk):
    """Photos on disk that are first downloaded from `url` where their archive is not there.

    A download slower than `min_rate` (bytes/s, over a minute) counts as broken; one that takes over
    `max_hours` ends, and can go on.
    """

    archive: str | None = None
    url: str | None = None
    min_rate: float = Field(default=1000.0, ge=0.0, allow_inf_nan=False)
    max_hours: float = Field(default=168.0, gt=0.0, allow_inf_nan=False)

    @property
    def patience(self) -> Patience:
        """How long a download goes on."""
        return Patience(min_rate=self.min_rate, max_hours=self.max_hours)

    @field_validator("url")
    @classmethod
    def _is_of_the_web(cls, url: str | None) -> str | None:
        if url is None:
            return url
        with suppress(ValueError):  # a wrong port, half an IPv6 address
            parts = urlsplit(url)
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                return url
        # Not quoted: where the secrets of such an address are cannot be told.
        raise ValueError(
            "is no address of a file on the web; allowed: http://… or https://…, with %2F for a "
            "`/` in a password"
        )


def say(line: str) -> None:
    """What takes long is said before, on standard error."""
    print(line, file=sys.stderr, flush=True)
