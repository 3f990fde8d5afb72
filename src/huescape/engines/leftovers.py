"""What lies among the outputs and no stage makes: of a stage that is gone, or the user's own.

The page's stage depends on whole folders (`models`, `reports/evaluation`, …), since DVC knows no
list of dependencies that follows the parameters. What else lies there would be part of what
dvc.lock records, and every clone, where it does not lie, would be stale.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from huescape.base.runtime import state_dir

_SECTIONS = ("outs", "metrics", "plots")


class _Unresolved(Exception):
    """dvc.yaml says something that is not understood here; nothing is touched then."""


@dataclass(frozen=True)
class _Declared:
    """The names of all stages, their outputs, and what the stage `report` depends on."""

    stages: frozenset[str]
    outputs: frozenset[PurePosixPath]
    inputs_of_report: tuple[PurePosixPath, ...]

    def overlaps(self, path: PurePosixPath) -> bool:
        """Whether the path is an output, lies in one or holds one."""
        return any(path.is_relative_to(out) or out.is_relative_to(path) for out in self.outputs)


def sweep_orphans(root: Path = Path()) -> list[str]:
    """Move aside what stages made that dvc.yaml no longer has; one line for each.

    Only what dvc.lock records under such a stage and what still has the recorded digest: anything
    else is somebody's own. It goes to `.huescape/orphaned/<digest>/<path>`.
    """
    found = _declared(root)
    if found is None:
        return []
    said = []
    for name, entry in _mapping(_load(root / "dvc.lock"), "stages").items():
        for out in [] if name in found.stages else _outputs(entry):
            path, digest = PurePosixPath(out["path"]), str(out["md5"])
            outside = path.is_absolute() or ".." in path.parts
            if outside or found.overlaps(path) or _digest(root, root / path) != digest:
                continue
            kept = _kept(path, digest)
            _set_aside(root, path, root / kept, digest)
            said.append(
                f"{path}: moved to {kept}, for dvc.yaml has no stage {name} any more; "
                "`dvc checkout` brings it back once params.yaml names it again"
            )
    return sorted(said)


def bring_back(root: Path = Path()) -> None:
    """Move back what was moved aside, where params.yaml names its stage again and nothing lies.

    A comparison of some systems, then others, then all trains none of them twice.
    """
    found = _declared(root)
    entries = _mapping(_load(root / "dvc.lock"), "stages").items() if found else ()
    for name, entry in entries:
        for out in _outputs(entry) if found and name in found.stages else []:
            path, digest = PurePosixPath(out["path"]), str(out["md5"])
            kept = root / _kept(path, digest)
            if not (root / path).exists() and _digest(root, kept) == digest:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(kept, root / path)


def undeclared(root: Path = Path()) -> list[str]:
    """One line on what lies in the folders of the page's inputs and no stage makes, if anything."""
    found = _declared(root)
    if found is None:
        return []
    strange = [path for folder in found.inputs_of_report for path in _strange(root, folder, found)]
    if not strange:
        return []
    names = ", ".join(map(str, strange[:3])) + (", …" if len(strange) > 3 else "")
    return [
        f"no stage makes {names}: what lies there is among the inputs of the page, and a clone "
        "without it will call the page stale; move it elsewhere"
    ]


def _declared(root: Path) -> _Declared | None:
    """None where dvc.yaml cannot be followed with params.yaml alone."""
    stages = _mapping(_load(root / "dvc.yaml"), "stages")
    params = _load(root / "params.yaml")
    if not stages:
        return None
    names: set[str] = set()
    outputs: set[PurePosixPath] = set()
    try:
        for name, stage in stages.items():
            for key in _keys(stage, params):
                names.add(name if key is None else f"{name}@{key}")
                outputs |= {PurePosixPath(out) for out in _paths(stage.get("do", stage), key)}
    except (_Unresolved, AttributeError, TypeError):
        return None
    deps = [PurePosixPath(dep) for dep in _mapping(stages, "report").get("deps", [])]
    wide = tuple(dep for dep in deps if any(dep in out.parents for out in outputs))
    return _Declared(frozenset(names), frozenset(outputs), wide)


def _keys(stage: Mapping[str, Any], params: Any) -> list[str | None]:
    """The instances of a stage: None for one without instances."""
    if "matrix" in stage:
        raise _Unresolved
    over = stage.get("foreach")
    if over is None:
        return [None]
    if isinstance(over, str):
        at = params
        for part in over.removeprefix("${").removesuffix("}").split("."):
            at = at.get(part)
        over = at
    if not isinstance(over, dict):
        raise _Unresolved
    return [str(key) for key in over]


def _paths(stage: Mapping[str, Any], key: str | None) -> Iterator[str]:
    for section in _SECTIONS:
        for out in stage.get(section, []):
            text = next(iter(out)) if isinstance(out, dict) else str(out)
            text = text if key is None else text.replace("${key}", key)
            if "${" in text:
                raise _Unresolved
            yield text


def _outputs(entry: Any) -> list[dict[str, Any]]:
    """The outputs that dvc.lock records for a stage, those that have a digest."""
    outs = entry.get("outs", []) if isinstance(entry, dict) else []
    return [out for out in outs if isinstance(out, dict) and {"path", "md5"} <= out.keys()]


def _kept(path: PurePosixPath, digest: str) -> Path:
    return state_dir() / "orphaned" / digest[:8] / path


def _set_aside(root: Path, path: PurePosixPath, kept: Path, digest: str) -> None:
    if _digest(root, kept) == digest:  # it went there before
        _remove(root / path)
        return
    _remove(kept)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(root / path, kept)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _strange(root: Path, folder: PurePosixPath, found: _Declared) -> Iterator[PurePosixPath]:
    if not (root / folder).is_dir():
        return
    ignored = _ignored(root)
    for name in sorted(entry.name for entry in (root / folder).iterdir()):
        path = folder / name
        if name == ".gitignore" or any(fnmatchcase(name, pattern) for pattern in ignored):
            continue
        if not found.overlaps(path):
            yield path
        elif not any(path.is_relative_to(out) for out in found.outputs):  # it holds an output
            yield from _strange(root, path, found)


def _digest(root: Path, path: Path) -> str | None:
    """The digest of a file or a folder as dvc.lock has it; None where nothing lies."""
    if path.is_file():
        return _md5(path)
    if not path.is_dir():
        return None
    ignored = _ignored(root)
    listed = []
    for at, folders, files in os.walk(path):
        for names in (folders, files):
            names[:] = [n for n in names if not any(fnmatchcase(n, line) for line in ignored)]
        for name in files:
            file = Path(at, name)
            relative = file.relative_to(path).as_posix()
            listed.append({"md5": _md5(file), "relpath": relative})
    listed.sort(key=lambda item: item["relpath"])
    content = json.dumps(listed, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, _new_md5).hexdigest()


def _new_md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _ignored(root: Path) -> list[str]:
    """The names in .dvcignore, which are no part of any output."""
    try:
        lines = (root / ".dvcignore").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line for line in map(str.strip, lines) if line and not set(line) & set("#/!")]


def _load(path: Path) -> Any:
    """A YAML file; None where it is missing or damaged, which others report."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError, ValueError):
        return None


def _mapping(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
