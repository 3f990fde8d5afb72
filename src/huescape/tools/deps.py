"""Tool deps: write into dvc.yaml what code each stage depends on, after a change of imports."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from huescape.base import closure
from huescape.base.atomic import write_text
from huescape.base.errors import HuescapeError

_FILE = Path("dvc.yaml")
_STAGE = re.compile(r"^  (\w+):$", re.MULTILINE)
# The command of a stage: two groups can run the same one.
_COMMAND = re.compile(r"^ +cmd: sh workflow/run (\w+)", re.MULTILINE)
# Presets and shipped models stay: which one a system has is a name in params.yaml.
_CODE = re.compile(r"^ +- src/huescape/(?!presets\b|released\b).*\n", re.MULTILINE)


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def main(options: Namespace) -> None:
    """Rewrite the lines of dvc.yaml that name code of this package; all else stays."""
    try:
        text = _FILE.read_text(encoding="utf-8")
    except OSError as error:
        raise HuescapeError(f"{_FILE}: cannot be read: {error.strerror}") from error
    written = rewritten(text)
    if written != text:
        write_text(_FILE, written)
    print(f"{_FILE} is as it was" if written == text else f"{_FILE} is written anew")


def rewritten(text: str) -> str:
    """The text of a dvc.yaml with the code that each of its stages can run."""
    parts = _STAGE.split(text)
    for at in range(1, len(parts), 2):
        parts[at + 1] = _with_code(parts[at + 1])
        parts[at] = f"  {parts[at]}:"
    return "".join(parts)


def _with_code(body: str) -> str:
    """The lines of a stage, the code of its command where the first of its code was."""
    lines, command = _CODE.findall(body), _COMMAND.search(body)
    if not lines or command is None:
        return body
    indent = lines[0][: lines[0].index("-")]
    code = "".join(f"{indent}- {dep}\n" for dep in closure.as_deps(closure.code_of(command[1])))
    first = body.index(lines[0])
    return body[:first] + code + _CODE.sub("", body[first:])
