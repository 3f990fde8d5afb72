"""A stage that starts itself in many processes: torchrun, called from here.

An engine's command is fixed, so how many there are is a setting of the machine
(`HUESCAPE_PROCESSES`). The first process speaks; what the others say is kept until it is known
whether the stage failed for it.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from huescape.base import runtime
from huescape.base.errors import HuescapeError
from huescape.base.interrupts import LEFT_ALONE, Interrupted
from huescape.base.temporaries import temporary_folder

# For the first process to finish its step and write its checkpoint, of gigabytes perhaps.
_GRACE_SECONDS = "120"
_ERROR = "huescape: error: "


def launch(processes: int, *arguments: str, again: str) -> None:
    """Run `huescape ARGUMENTS` in `processes` processes of this host, and wait for them.

    `again` says what the same command does after one of them was killed.

    Raises:
        HuescapeError: one of them was killed, or failed where the first said nothing of it.
        SystemExit: the first failed and has said why, or they were interrupted.
    """
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    os.environ[runtime.LAUNCHED] = "1"
    # torchrun would set it to 1, and say so.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, runtime.cpus() // processes)))
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", _GRACE_SECONDS)
    logging.disable(logging.CRITICAL)  # torchrun's own account of what is told in one line here
    runtime.state_dir().mkdir(parents=True, exist_ok=True)
    with temporary_folder(runtime.state_dir()) as logs:
        # What `--standalone` stands for.
        words = ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", f"--rdzv-id={uuid4()}"]
        words += [f"--nproc-per-node={processes}", f"--log-dir={logs}"]
        words += ["--module", "huescape", *arguments]
        options = torchrun.parse_args(words)  # type: ignore[no-untyped-call]
        config, command, rest = torchrun.config_from_args(options)
        # Its `--redirects` knows no process beyond the tenth.
        others = dict.fromkeys(range(1, processes), Std.ALL)
        config.logs_specs = DefaultLogsSpecs(str(logs), redirects=others)
        try:
            elastic_launch(config, command)(*rest)
        except SignalException as error:
            raise SystemExit(130) from error
        except ChildFailedError as error:
            codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
            _tell(codes, logs, processes, again)


def _tell(codes: Mapping[int, int], logs: Path, processes: int, again: str) -> None:
    """Raise what says why; `codes` are the exit codes of those that failed, by their number."""
    first = codes.get(0, 0)
    if set(codes.values()) == {Interrupted.exit_code}:
        raise SystemExit(Interrupted.exit_code)  # the first may be none of them: it writes yet
    if first > 0 and first not in (LEFT_ALONE, Interrupted.exit_code):
        raise SystemExit(first)
    print(file=sys.stderr)  # the first's bar has not ended its line
    # One that says why goes first: torchrun kills those that wait for it.
    for rank in sorted(codes.keys() - {0}):
        if codes[rank] < 0 or codes[rank] in (LEFT_ALONE, Interrupted.exit_code):
            continue
        said = "".join(
            path.read_text(errors="replace") for path in logs.glob(f"*/attempt_0/{rank}/stderr.log")
        )
        if lines := [line for line in said.splitlines() if line.startswith(_ERROR)]:
            raise HuescapeError(f"process {rank} of {processes}: {lines[-1].removeprefix(_ERROR)}")
        sys.stderr.write(said)
    for rank, code in sorted(codes.items()):
        if code < 0 and -code != signal.SIGTERM:  # that is how torchrun ends the others
            name = signal.Signals(-code).name
            raise HuescapeError(
                f"process {rank} of {processes} (the first is 0) was ended by {name}; {again}"
            )
    raise HuescapeError(f"one of {processes} processes ended ({dict(codes)}); {again}")
