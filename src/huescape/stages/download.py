"""Stage download: gather the photos of every configured source into one manifest."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huescape.base import runtime
from huescape.base.atomic import fresh_directory, write_json
from huescape.base.digests import seal
from huescape.base.errors import HuescapeError, one_line
from huescape.base.masking import mask_values
from huescape.params.download import DownloadParams
from huescape.params.places import PARAMS, RAW
from huescape.params.sections import read_section
from huescape.sources.foreign_files import refuse_foreign_files
from huescape.sources.hashing import HashCache, cache_file, hash_photos
from huescape.sources.kinds import sources_of
from huescape.sources.listing import Found, photo_ids, recorded_path
from huescape.sources.manifest import ManifestRow, read_manifest, write_manifest
from huescape.sources.source import Source
from huescape.sources.splits import read_splits
from huescape.sources.walk import LeftOut

MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class _Listed:
    """A source, its dotted key in params.yaml, its photos, and what is not among them."""

    source: Source
    key: str
    photos: list[Found]
    left_out: LeftOut


def add_arguments(parser: ArgumentParser) -> None:
    """List, or compare."""
    parser.add_argument("--check", action="store_true", help="only compare the photos on disk")


def main(options: Namespace) -> dict[str, float] | None:
    """List the photos of all sources, or compare the list with the disk."""
    params = read_section(PARAMS, "download", DownloadParams)
    if not options.check:
        return run(RAW, params)
    changed = check_unchanged(RAW / MANIFEST, params)
    if changed:
        raise HuescapeError(
            f"{len(changed)} photos are not what the manifest says, the first: {changed[0]}; "
            "list them anew with `dvc repro -f download`"
        )
    print("every photo is what the manifest says")
    return None


def run(out: Path, params: DownloadParams, *, workers: int | None = None) -> dict[str, float]:
    """Write `manifest.csv`, `sources.json` and rendered photos into `out`, whole or not at all.

    Photos on disk are referenced, not copied; each is read once for its SHA-256, unless it was
    read before and its size and times are the same. Returns the numbers of photos, bytes and
    sources. Raises HuescapeError for a source that is not there, yields nothing or cannot be read,
    and for a file in `out` that this stage did not write.
    """
    workers = workers or runtime.workers()
    keyed = sources_of(params, str(PARAMS))
    refuse_foreign_files(out, keyed.values())
    splits = {key: _splits(source, key) for key, source in keyed.items()}
    # What is on disk is looked at first: hours of download must not end in a misspelled folder.
    local = {key: _list(source, key, out) for key, source in keyed.items() if source.is_local}
    for key, source in keyed.items():
        source.prepare(key)
    with fresh_directory(out) as folder:
        for source in keyed.values():
            source.render(folder, workers)
        listed = [local.get(key) or _list(source, key, folder) for key, source in keyed.items()]
        _say_left_out(listed)
        rows = _rows(listed, splits, workers, folder, out)
        write_manifest(folder / MANIFEST, rows)
        write_json(folder / "sources.json", mask_values([_describe(item) for item in listed]))
        seal(folder)  # rendered photos are in the manifest, with their SHA-256
    total = sum(row.bytes for row in rows)
    return {"photos": len(rows), "bytes": total, "sources": len(listed)}


def check_unchanged(manifest: Path, params: DownloadParams | None = None) -> list[str]:
    """Return the ids of photos that changed, vanished or are new since the manifest, sorted."""
    return sorted(changes(manifest, params))


def changes(manifest: Path, params: DownloadParams | None = None) -> dict[str, str]:
    """Look at every photo again; return `changed`, `vanished` or `new` by id.

    New ones are looked for in the sources of `params`; without it, only the photos of the manifest
    are. Nothing is downloaded, extracted or written but the cache of hashes.
    """
    rows = read_manifest(manifest)
    found = {row.id: _found(row) for row in rows}
    fate = {name: "changed" if photo.path.exists() else "vanished" for name, photo in found.items()}
    same = [row for row in rows if _is_size_kept(found[row.id])]
    with _cache() as cache:
        hashes = hash_photos([found[row.id] for row in same], cache, runtime.workers())
    for row, sha256 in zip(same, hashes, strict=True):
        if sha256 == row.sha256:
            del fate[row.id]
    known = {(row.path, row.offset) for row in rows}
    return fate | _new(known, manifest.parent, sources_of(params) if params else {})


def _list(source: Source, key: str, raw: Path) -> _Listed:
    left_out = LeftOut()
    return _Listed(source, key, source.found(key, raw, left_out), left_out)


def _say_left_out(listed: Iterable[_Listed]) -> None:
    """At most two lines a source on standard error: skipped folders, and pictures not read."""
    for item in listed:
        for line in item.left_out.lines():
            print(one_line(f"huescape: download: {item.source.name}: {line}"), file=sys.stderr)


def _splits(source: Source, key: str) -> dict[str, str] | None:
    """The split list of a source, or None if it has none."""
    if source.split_list is None:
        return None
    return read_splits(Path(source.split_list).expanduser(), f"{key}.splits")


def _rows(
    listed: Iterable[_Listed],
    splits: dict[str, dict[str, str] | None],
    workers: int,
    folder: Path,
    out: Path,
) -> list[ManifestRow]:
    """The rows of the manifest, by id; photos rendered into `folder` are recorded below `out`."""
    rows: list[ManifestRow] = []
    with _cache() as cache:
        for item in listed:
            hashes = hash_photos(item.photos, cache, workers)
            ids = photo_ids(item.source.name, [photo.key for photo in item.photos])
            rendered = item.source.rendered
            chosen = _chosen(item, splits[item.key])
            for name, photo, sha256 in zip(ids, item.photos, hashes, strict=True):
                path = out / photo.path.relative_to(folder) if rendered else photo.path
                rows.append(_row(name, item.source.name, photo, path, sha256, chosen))
    return sorted(rows, key=lambda row: row.id)


def _row(
    name: str, source: str, photo: Found, path: Path, sha256: str, splits: dict[str, str]
) -> ManifestRow:
    return ManifestRow(
        id=name,
        source=source,
        category=photo.category,
        tier=photo.tier,
        path=recorded_path(path),
        offset="" if photo.offset is None else str(photo.offset),
        bytes=photo.bytes,
        sha256=sha256,
        split=splits.get(photo.key, photo.split),
    )


def _chosen(item: _Listed, splits: dict[str, str] | None) -> dict[str, str]:
    """The split list of a source; one that names none of its photos is surely the wrong one."""
    if splits is None:
        return {}
    if not any(photo.key in splits for photo in item.photos):
        example = item.photos[0].key
        raise HuescapeError(
            f"{item.key}.splits: the list names no photo of the source; its paths must be like "
            f"{example}"
        )
    return splits


def _describe(item: _Listed) -> dict[str, Any]:
    source = item.source
    not_read = dict(sorted((+item.left_out.not_read).items()))  # those above 0
    described = {
        "name": source.name,
        "kind": source.kind,
        "licence": source.rights,
        "homepage": source.homepage,
        "photos": len(item.photos),
        "bytes": sum(photo.bytes for photo in item.photos),
    }
    return described | ({"not_read": not_read} if not_read else {})


def _found(row: ManifestRow) -> Found:
    offset = int(row.offset) if row.offset else None
    return Found(row.id, Path(row.path), row.category, row.tier, row.bytes, offset)


def _is_size_kept(photo: Found) -> bool:
    if not photo.path.is_file():
        return False
    size = photo.path.stat().st_size
    return size == photo.bytes if photo.offset is None else size >= photo.offset + photo.bytes


def _new(known: set[tuple[str, str]], raw: Path, sources: Mapping[str, Source]) -> dict[str, str]:
    new: dict[str, str] = {}
    for key, source in sources.items():
        if not source.place(raw).exists():
            continue  # all its photos have vanished, which is said already
        photos = _list(source, key, raw).photos
        for name, photo in zip(
            photo_ids(source.name, [photo.key for photo in photos]), photos, strict=True
        ):
            offset = "" if photo.offset is None else str(photo.offset)
            if (recorded_path(photo.path), offset) not in known:
                new[name] = "new"
    return new


def _cache() -> HashCache:
    return HashCache(cache_file())
