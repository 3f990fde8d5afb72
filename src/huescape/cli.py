"""The command line, which runs the code of the folder it runs in."""

from __future__ import annotations

import gc
import sys

from huescape.base.errors import HuescapeError
from huescape.engines.own_code import insist_on_own_code


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; 0 is success, 1 a failure, 2 a wrong parameter, 130 an interruption."""
    if argv is None:
        try:
            insist_on_own_code()
        except HuescapeError as error:
            print(f"huescape: error: {error}", file=sys.stderr)
            return error.exit_code
    from huescape.subcommands import run  # not above: the code of another folder may not even load

    code = run(argv)
    if argv is None:
        # The process ends: taking all of torch apart object by object would be a second more.
        gc.freeze()
    return code
