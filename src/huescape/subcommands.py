"""One subcommand for each stage, of the same name, and a few for people."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType

from huescape import __version__
from huescape.base import costs, exclusive, runtime
from huescape.base.errors import HuescapeError, one_line
from huescape.base.interrupts import LEFT_ALONE, Interrupted
from huescape.base.memory import is_out_of_memory
from huescape.base.orphans import engine_pid, parent_stays, stop_without
from huescape.engines import lockfile, lockwatch

_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG)
_BROKEN_PIPE = 128 + signal.SIGPIPE
_LESS_MEMORY = f"fewer processes need less (environment variable {runtime.WORKERS})"

# Of this folder, wherever HUESCAPE_STATE is.
_RUNNING = Path(".huescape/running")
# A stage whose engine was killed ends before that.
_TWICE_SECONDS = 60.0

# By how much the first of many processes may come later to what is wrong.
_FIRST_SECONDS = 3.0

# Where subcommands are: one file for each, with `add_arguments` and `main`.
_FOLDERS = ("stages", "tools")
# What torchrun may start.
_TOGETHER = ("train", "evaluate", "generalize")


def run(argv: list[str] | None) -> int:
    """Run one subcommand; 0 is success, 1 a failure, 2 a wrong parameter, 130 an interruption.

    And 141 where nobody reads its output any more, as of others that SIGPIPE ends: it is not done.
    """
    arguments = sys.argv[1:] if argv is None else argv
    name = next((text for text in arguments if not text.startswith("-")), None)
    options = _parser(name).parse_args(arguments)
    # An engine that stops a stage lets it clean up; so does torchrun, which says why itself.
    signal.signal(signal.SIGTERM, _leave if runtime.is_rank() else _interrupt)
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # not where a shell had it ignored
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _refuse_other_names()
        _look_after_engine()
        if options.is_stage:
            _refuse_many_processes(str(name))
            _refuse_wrong_params(str(name))
        # `check` disturbs nobody, and leaves nothing where it refuses. Of many processes, one
        # stands for all, or the one that launched them.
        is_one_of_many = runtime.rank() > 0 or runtime.LAUNCHED in os.environ
        is_alone = options.is_stage and name != "check" and not is_one_of_many
        with _alone(arguments) if is_alone else nullcontext():
            began = time.monotonic()
            counted = options.main(options)
            if is_alone:
                costs.keep(arguments, time.monotonic() - began, counted)
            _say(str(name), counted)
    except HuescapeError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command goes on where this one stopped", 130)
    except BrokenPipeError:  # `huescape … | head`
        sys.stderr.close()
        return _BROKEN_PIPE
    except Exception as error:
        if is_out_of_memory(error):
            return _fail(f"out of memory ({_first_line(error)}); {_LESS_MEMORY}", 1)
        if not isinstance(error, OSError) or error.errno not in _REFUSALS:
            raise
        where = error.filename2 or error.filename or "the disk"  # a copy names its source first
        return _fail(f"{os.fsdecode(where)}: {error.strerror}", 1)
    return 0


def _refuse_wrong_params(stage: str) -> None:
    """Raise ParamsError for what the stage check would refuse, if an engine left that one out."""
    from huescape.params.load import load_params
    from huescape.params.places import PARAMS

    params = load_params(PARAMS)
    if stage == "train":  # all of them: before the first is trained
        from huescape.systems.checks import check_systems

        check_systems(params, str(PARAMS))


def _refuse_many_processes(name: str) -> None:
    """Not every stage is made for what torchrun starts."""
    if runtime.is_rank() and name not in _TOGETHER:
        raise HuescapeError(f"torchrun started {name!r}; allowed: {', '.join(_TOGETHER)}")


@contextmanager
def _alone(arguments: Sequence[str]) -> Iterator[None]:
    """Two of one stage at once would move each other's outputs away while they are written."""
    words = "-".join(word.lstrip("-") for word in arguments)
    with ExitStack() as held:
        with suppress(OSError):  # where no lock can be had, as before
            stream = exclusive.take(_RUNNING / words)
            if stream is None:
                print(f"huescape: waiting for another {words!r} in this folder", file=sys.stderr)
                stream = exclusive.take(_RUNNING / words, _TWICE_SECONDS)
            if stream is None:
                raise HuescapeError(f"another {words!r} is at work in this folder")
            held.enter_context(stream)
        yield


def _say(stage: str, metrics: Mapping[str, float] | None) -> None:
    """One line on standard output, for the logs of both engines."""
    if metrics is not None:
        print(f"{stage}: " + ", ".join(f"{name} {value:g}" for name, value in metrics.items()))


def _refuse_other_names() -> None:
    """Where Python takes file names for ASCII, those of photos would not come back as they are."""
    if sys.getfilesystemencoding() != "utf-8":
        raise HuescapeError(
            f"file names are taken for {sys.getfilesystemencoding()} here; allowed: utf-8; "
            "set PYTHONUTF8=1"
        )


def _look_after_engine() -> None:
    """Mend what a killed engine left, and neither outlive the engine nor let it leave the same."""
    if runtime.is_rank():  # torchrun's process stands between, and looks after the engine itself
        stop_without(parent_stays())
        return
    if "DVC_STAGE" in os.environ:  # DVC read dvc.lock a moment ago
        lockfile.tell(lockfile.notice(Path()))
        lockwatch.start(engine_pid())
    else:
        lockfile.tell(lockfile.mend())
    if "DVC_STAGE" in os.environ or os.environ.get(runtime.ENGINE):
        exclusive.hold(exclusive.STAGES)
        stop_without(parent_stays())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _fail(message: str, code: int) -> int:
    if "DVC_STAGE" in os.environ and not runtime.is_rank():
        lockwatch.release(engine_pid())
    if runtime.rank() and code != Interrupted.exit_code:
        _let_the_first_speak()
    print(f"huescape: error: {one_line(message)}", file=sys.stderr)
    return code


def _let_the_first_speak() -> None:
    """What is wrong for every process, the first says; torchrun ends the others when it has."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(_FIRST_SECONDS)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(LEFT_ALONE)


def _parser(name: str | None) -> argparse.ArgumentParser:
    """All subcommands; the one called `name` with its arguments."""
    parser = argparse.ArgumentParser(
        prog="huescape",
        description="A reproducible pipeline for automatic image colorization. `dvc repro` and "
        "`snakemake --cores 8 evaluate` run its stages; the first subcommands are the stages.",
    )
    parser.add_argument("--version", action="version", version=f"huescape {__version__}")
    to = parser.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    for found, file in _files().items():
        subcommand = to.add_parser(found, help=_help(file))
        if found == name:
            module = importlib.import_module(f"huescape.{file.parent.name}.{name}")
            module.add_arguments(subcommand)
            subcommand.set_defaults(main=module.main, is_stage=file.parent.name == "stages")
    return parser


def _files() -> dict[str, Path]:
    """The file of each subcommand, stages first; a file more is a subcommand more."""
    package = Path(__file__).parent
    files = [file for folder in _FOLDERS for file in sorted((package / folder).glob("[!_]*.py"))]
    return {file.stem: file for file in files}


def _help(file: Path) -> str:
    """What the first line of a subcommand's file says after its name; nothing is imported."""
    with file.open(encoding="utf-8") as stream:
        return stream.readline().partition(": ")[2].strip().removesuffix('"""').removesuffix(".")
