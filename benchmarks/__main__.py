"""Run all benchmarks, or those that are named, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys

SUITE = (
    "soft_encoding",
    "nearest_bin",
    "lab",
    "resize",
    "resampling",
    "shard_size",
    "shard_reading",
    "remote_shards",
    "loss_memory",
    "epochs",
    "training_step",
    "decoding",
    "colorize",
    "onnx",
    "evaluation",
    "verification",
    "demo",
    "engines",
    "pipeline",
    "growth",
    "growth_steps",
    "growth_engines",
)


def main() -> int:
    """0 when every benchmark ran, whatever it found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUITE)}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; the figures mean nothing")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(SUITE))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}: allowed are {', '.join(SUITE)}")
    failed = [name for name in options.names or SUITE if _run(name, options.quick)]
    if failed:
        print(f"benchmarks: error: {', '.join(failed)} did not run to its end", file=sys.stderr)
    return bool(failed)


def _run(name: str, quick: bool) -> int:
    command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
