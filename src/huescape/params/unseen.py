"""Sections `unseen` and `generalized`: sources nothing is trained on, and who is scored on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from huescape.base.errors import HuescapeError, ParamsError
from huescape.params.base import Key, Section
from huescape.params.download import DownloadParams, SourceParams

_KEY = "download.sources.0"  # what a source's messages call the only one of a download


class UnseenParams(Section):
    """An entry of `unseen`: photos that are scored and never trained on, as one test split."""

    source: SourceParams
    """As one of `download.sources`; its own splits are not asked for."""
    categories: Literal["core", "extended", "colorunet", "all"] = "all"
    """As `filter.categories`, which is not asked here."""

    @property
    def download(self) -> DownloadParams:
        """The source as the only one of a download."""
        return DownloadParams(sources=(self.source,))


class GeneralizedParams(Section):
    """An entry of `generalized` or `generalized_released`: who is scored on what."""

    system: Key
    """A system that is trained here, or a model that comes with the package."""
    unseen: Key
    """A name under `unseen`."""


@contextmanager
def told_as(key: str) -> Iterator[None]:
    """Messages of the only source of a download by the key or words that it has elsewhere."""
    try:
        yield
    except (HuescapeError, ParamsError) as error:
        raise type(error)(str(error).replace(_KEY, key)) from error
