"""One subcommand for each stage, of the same name, and a few for people."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from huescape import __version__, commands, tools
from huescape.base import exclusive
from huescape.base.errors import HuescapeError, one_line
from huescape.base.memory import is_out_of_memory
from huescape.base.orphans import engine_pid, parent_stays, stop_without
from huescape.engines import lockfile, lockwatch

_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG)
_LESS_MEMORY = "fewer processes need less (environment variable HUESCAPE_WORKERS)"

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def run(argv: list[str] | None) -> int:
    """Run one subcommand; 0 is success, 1 a failure, 2 a wrong parameter, 130 an interruption."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)  # an engine that stops a stage lets it clean up
    try:
        _look_after_engine()
        options.run(options)
    except HuescapeError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; the same command goes on where this one stopped", 130)
    except BrokenPipeError:  # `huescape … | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if is_out_of_memory(error):
            return _fail(f"out of memory ({_first_line(error)}); {_LESS_MEMORY}", 1)
        if not isinstance(error, OSError) or error.errno not in _REFUSALS:
            raise
        where = error.filename2 or error.filename or "the disk"  # a copy names its source first
        return _fail(f"{os.fsdecode(where)}: {error.strerror}", 1)
    return 0


def _look_after_engine() -> None:
    """Mend what a killed engine left, and neither outlive the engine nor let it leave the same."""
    if "DVC_STAGE" in os.environ:  # DVC read dvc.lock a moment ago
        lockfile.tell(lockfile.notice(Path()))
        lockwatch.start(engine_pid())
    else:
        lockfile.tell(lockfile.mend())
    if "DVC_STAGE" in os.environ or os.environ.get("HUESCAPE_ENGINE"):
        exclusive.hold(exclusive.STAGES)
        stop_without(parent_stays())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _fail(message: str, code: int) -> int:
    if "DVC_STAGE" in os.environ:
        lockwatch.release(engine_pid())
    print(f"huescape: error: {one_line(message)}", file=sys.stderr)
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="huescape",
        description="A reproducible pipeline for automatic image colorization. `dvc repro` and "
        "`snakemake --cores 8 evaluate` run its stages; the subcommands are the stages.",
    )
    parser.add_argument("--version", action="version", version=f"huescape {__version__}")
    commands_of = parser.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    _add_stages(commands_of)
    _add_tools(commands_of)
    return parser


def _add_stages(to: Subparsers) -> None:
    """The stages of the graph, in their order."""
    check = to.add_parser("check", help="validate params.yaml")
    check.add_argument(
        "--stage",
        action="store_true",
        help="as the first stage: write data/checked.txt, and do not build networks that passed",
    )
    check.set_defaults(run=commands.check)
    download = to.add_parser("download", help="list the photos of the configured sources")
    download.add_argument("--check", action="store_true", help="only compare the photos on disk")
    download.set_defaults(run=commands.download)
    to.add_parser("filter", help="decide which photos are kept").set_defaults(run=commands.filter_)
    resize = to.add_parser("resize", help="fit the kept photos into squares")
    _add_partitions(resize)
    resize.set_defaults(run=commands.resize)
    for name, run, text in (
        ("bins", commands.bins, "learn the color bins"),
        ("encode", commands.encode, "encode the targets of every pixel"),
        ("prior", commands.prior, "estimate the prior and the class weights"),
    ):
        stage = to.add_parser(name, help=text)
        stage.add_argument("quantizer", help="a name under `quantizers:` in params.yaml")
        if name == "encode":
            _add_partitions(stage)
        stage.set_defaults(run=run)
    for name, run, text in (
        ("train", commands.train, "train a system"),
        ("evaluate", commands.evaluate, "score a system and the baselines"),
    ):
        stage = to.add_parser(name, help=text)
        stage.add_argument("system", help="a name under `systems:` in params.yaml")
        stage.set_defaults(run=run)
    to.add_parser("report", help="write the page").set_defaults(run=commands.report)


def _add_partitions(stage: argparse.ArgumentParser) -> None:
    part = stage.add_mutually_exclusive_group()
    part.add_argument("--partition", type=int, metavar="K", help="make only partition K, from 0")
    part.add_argument("--gather", action="store_true", help="only write the index")


def _add_compare(to: Subparsers) -> None:
    compare = to.add_parser("compare", help="train and score all systems of a recipe")
    compare.add_argument(
        "recipe", type=Path, nargs="?", help="default: experiments/gpu.yaml or cpu.yaml, by device"
    )
    compare.add_argument("-o", "--output", type=Path, default=Path("comparison"), metavar="FOLDER")
    compare.add_argument("--photos", type=Path, metavar="FOLDER", help="instead of its sources")
    compare.add_argument("--only", nargs="+", default=[], metavar="SYSTEM", help="these systems")
    compare.add_argument("--jobs", type=int, help="stages at a time (default: every processor)")
    compare.add_argument(
        "--minutes",
        type=float,
        help="without an engine: share this time among the systems, and set their steps by it",
    )
    compare.set_defaults(run=tools.compare)


def _add_overwrite(tool: argparse.ArgumentParser) -> None:
    tool.add_argument("--overwrite", action="store_true", help="replace files that are there")


def _add_tools(to: Subparsers) -> None:
    """What is no stage: colors for one's own photos, checks, late tracking."""
    colorize = to.add_parser("colorize", help="color photos with a trained system")
    colorize.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    colorize.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    colorize.add_argument("--system", help="a trained system (default: the first in params.yaml)")
    colorize.add_argument(
        "--temperature",
        type=float,
        help="above 0, to 1; lower is more vivid (default: evaluate.temperature)",
    )
    colorize.add_argument(
        "--size", type=int, default=256, help="longer side that the network sees (default: 256)"
    )
    _add_overwrite(colorize)
    colorize.set_defaults(run=tools.colorize)
    _add_compare(to)
    export = to.add_parser("export", help="write a trained system as one file for torch.export")
    export.add_argument("system", help="a trained system")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pt2")
    export.add_argument("--temperature", type=float, help="default: evaluate.temperature")
    export.add_argument("--size", type=int, default=256, help="side of the photos (default: 256)")
    _add_overwrite(export)
    export.set_defaults(run=tools.export)
    sweep = to.add_parser("sweep", help="run the graph at many points of the parameters")
    sweep.add_argument("file", type=Path, help="a sweep file, such as sweeps/lambda.yaml")
    sweep.set_defaults(run=tools.sweep)
    to.add_parser("schema", help="print the JSON schema of params.yaml").set_defaults(
        run=tools.show_schema
    )
    to.add_parser("repair", help="put back a dvc.lock that a kill cut short").set_defaults(
        run=tools.repair
    )
    track = to.add_parser("track", help="send to MLflow what a server that was down has missed")
    track.set_defaults(run=tools.track)
