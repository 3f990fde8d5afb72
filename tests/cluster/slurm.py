"""A real SLURM on this machine: a controller and several node daemons on loopback.

    python -m tests.cluster.slurm install   # Debian's packages, with apt-get
    python -m tests.cluster.slurm start     # munged, slurmctld, slurmd n1 … n4
    python -m tests.cluster.slurm stop

For root alone. It writes /etc/slurm/slurm.conf, the only place where every command of SLURM looks,
and leaves one that it did not write. The nodes claim more processors and memory than there are, so
that jobs of every size start; memory beyond what a job asked for ends it, as on a cluster.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

NODES = ("n1", "n2", "n3", "n4")
#: This node alone has the resource `gpu`, by count: nothing stands behind it.
GPU_NODE = "n4"
PACKAGES = ("slurm-wlm", "slurm-client", "munge")
_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
STATE = Path("/run/huescape-slurm")
_SETTINGS = Path("/etc/slurm")
_MARK = "# Written by tests/cluster/slurm.py; it may be replaced and removed.\n"
_SECONDS = 60.0
_HERE = "NodeHostname=localhost NodeAddr=127.0.0.1 CPUs=8 RealMemory=32000"
_CONF = f"""{_MARK}
ClusterName=loopback
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
SlurmctldPort=17000
SlurmctldPidFile={STATE}/slurmctld.pid
SlurmdPidFile={STATE}/slurmd-%n.pid
SlurmctldLogFile={STATE}/slurmctld.log
SlurmdLogFile={STATE}/slurmd-%n.log
StateSaveLocation={STATE}/state
SlurmdSpoolDir={STATE}/spool-%n
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=UsePss,OverMemoryKill
SchedulerParameters=batch_sched_delay=1,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=20
MinJobAge=3600
GresTypes=gpu
NodeName=n[1-3] Port=[17001-17003] {_HERE}
NodeName={GPU_NODE} Port=17004 Gres=gpu:1 {_HERE}
PartitionName=main Nodes=n[1-4] Default=YES MaxTime=INFINITE State=UP
"""
_GRES = f"{_MARK}NodeName={GPU_NODE} Name=gpu File=/dev/null\n"


def missing() -> str:
    """Why no SLURM can be started here, in one line; empty where it can."""
    if os.geteuid() != 0:
        return "only root can start SLURM's daemons"
    absent = [
        name for name in ("slurmctld", "slurmd", "sbatch", "munged") if not shutil.which(name)
    ]
    if absent:
        return f"{', '.join(absent)}: not installed (python -m tests.cluster.slurm install)"
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "snakemake-executor-plugin-slurm is not installed (pip install -e '.[cluster]')"
    conf = _SETTINGS / "slurm.conf"
    if conf.exists() and not conf.read_text().startswith(_MARK):
        return f"{conf}: is that of another SLURM, which stays as it is"
    return ""


def install() -> None:
    """Install Debian's packages of SLURM."""
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", "-q", *words], env=variables, check=True)


def start() -> None:
    """Start all daemons and wait until every node is idle; what ran before is stopped."""
    stop()
    STATE.mkdir()
    (STATE / "state").mkdir()
    _SETTINGS.mkdir(exist_ok=True)
    (_SETTINGS / "slurm.conf").write_text(_CONF)
    (_SETTINGS / "gres.conf").write_text(_GRES)
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode:
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        _run("runuser", "-u", "munge", "--", shutil.which("munged") or "munged", "--force")
    _run("slurmctld", "-c")
    for node in NODES:
        start_node(node)
    wait(lambda: all(state(node) == "idle" for node in NODES), "idle nodes")


def stop() -> None:
    """End every job and daemon that `start` started, and remove what it wrote; munged stays."""
    if _of("slurmctld") is not None:
        subprocess.run(["scancel", "-u", "root"], capture_output=True, timeout=60, check=False)
    for name in ("slurmctld", *(f"slurmd-{node}" for node in NODES)):
        _end(name, signal.SIGTERM)
    for name in ("slurm.conf", "gres.conf"):
        path = _SETTINGS / name
        if path.exists() and path.read_text().startswith(_MARK):
            path.unlink()
    shutil.rmtree(STATE, ignore_errors=True)


def start_node(node: str) -> None:
    """Start the daemon of one node."""
    _run("slurmd", "-N", node)


def kill_node(node: str) -> None:
    """Kill the daemon of one node, as a crash would; the processes of its jobs go on."""
    _end(f"slurmd-{node}", signal.SIGKILL)


def state(node: str) -> str:
    """What the controller says of a node: `idle`, `mixed`, `down*`, …"""
    return _said("sinfo", "-h", "-n", node, "-o", "%T")


def jobs() -> list[dict[str, str]]:
    """The jobs that wait or run: number, name, state, node, and memory asked for."""
    names = ("id", "state", "node", "memory", "gres", "comment")
    lines = _said("squeue", "-h", "-o", "%i|%T|%N|%m|%b|%k").splitlines()
    return [dict(zip(names, line.split("|"), strict=True)) for line in lines]


def wait(condition: Callable[[], bool], what: str, seconds: float = _SECONDS) -> None:
    """Wait until a condition holds; SystemExit when it does not after `seconds`."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"slurm: no {what} after {seconds:g} s: see {STATE}/*.log")
        time.sleep(0.2)


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise SystemExit(
            f"slurm: {' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}"
        )


def _of(name: str) -> int | None:
    """The process of a daemon, by the file it wrote; None where it is gone."""
    with suppress(OSError, ValueError):
        pid = int((STATE / f"{name}.pid").read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip().startswith(name.partition("-")[0]):
            return pid
    return None


def _end(name: str, number: signal.Signals) -> None:
    pid = _of(name)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    wait(lambda: _of(name) is None, f"end of {name}")


def main(words: list[str]) -> int:
    """Do what the word says."""
    if words == ["install"] and os.geteuid() == 0:
        install()
        return 0
    if words not in (["start"], ["stop"]):
        print(__doc__, file=sys.stderr)
        return 2
    reason = missing()
    if reason:
        print(f"slurm: {reason}", file=sys.stderr)
        return 1
    start() if words == ["start"] else stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
