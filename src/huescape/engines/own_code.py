"""Stages run the code of the folder they run in, not that of another checkout that is installed.

DVC runs queued and temporary experiments in a copy of the project, whose `src` is what the
experiment's commit holds; an editable installation leads to the user's working tree.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import huescape
from huescape.base.errors import HuescapeError
from huescape.base.runtime import OWN_CODE


def insist_on_own_code() -> None:
    """Start this command again with the code of the current folder, if that is another's.

    It does nothing outside a checkout of the project. Raises HuescapeError where Python imports
    the other code nevertheless.
    """
    source = Path.cwd() / "src"
    own, imported = source / "huescape", Path(huescape.__file__).parent
    if not (own / "__init__.py").is_file() or not Path("dvc.yaml").is_file():
        return
    if own.samefile(imported):
        return
    if os.environ.get(OWN_CODE) == str(source):
        raise HuescapeError(
            f"{imported} is imported in place of {own}; allowed: the code of this folder "
            f"(Python's options -I and -E hide PYTHONPATH={source})"
        )
    path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH", "")]))
    variables = {**os.environ, "PYTHONPATH": path, OWN_CODE: str(source)}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], variables)
