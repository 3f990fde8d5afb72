"""The kinds of sources, one a file; `sources_of` makes those that params.yaml lists."""

from __future__ import annotations

from dataclasses import replace

from huescape.base.errors import ParamsError
from huescape.params.download import DownloadParams
from huescape.params.registry import Registry
from huescape.params.sections import validate
from huescape.sources.source import Source

KINDS: Registry[Source] = Registry(Source, "sources/kinds", "kind", given=0)


def sources_of(download: DownloadParams, where: str = "params.yaml") -> dict[str, Source]:
    """The sources by their dotted key, in the order of the list.

    Raises ParamsError for an unknown kind or an option that is not allowed, in one line with
    `where` and the key.
    """
    found = {}
    for number, named in enumerate(download.sources):
        key = f"download.sources.{number}"
        try:
            kind = replace(KINDS, key=f"{key}.kind").find(named.kind)
        except ParamsError as error:
            raise ParamsError(f"{where}: {error}") from error
        options = {"name": named.name, **named.options}
        found[key] = validate(kind, options, where, tuple(key.split(".")))
    return found
