"""The command line, which runs the code of the folder it runs in."""

from __future__ import annotations

import gc
import signal
import sys

from huescape.base.descriptors import open_standard_streams
from huescape.base.errors import HuescapeError
from huescape.engines.own_code import insist_on_own_code


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; the code that the process ends with, as of `subcommands.run`."""
    if argv is None:
        open_standard_streams()
        _end_at_an_interrupt()
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


def _end_at_an_interrupt() -> None:
    """Let SIGINT end the process by itself until `run` answers it.

    Nothing is written yet, and a KeyboardInterrupt within an import is a traceback at best.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
