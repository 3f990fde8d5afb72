"""S3 on this machine, for tests and benchmarks: rclone or moto, in a process of its own.

rclone keeps objects as files and refuses wrong keys; moto keeps them in memory, and takes any key.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# rclone takes no shorter ones.
_KEY, _SECRET = "key-of-a-loopback-server", "secret-of-a-loopback-server"


@dataclass(frozen=True)
class S3:
    """A server; `environment` is all that boto3, DVC, MLflow and fsspec need to reach it."""

    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    @property
    def client(self) -> Any:
        """A client of boto3."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def s3_server(
    folder: Path, *buckets: str, kind: str = "rclone", log: Path | None = None
) -> Iterator[S3]:
    """A server with these buckets until the block ends; rclone keeps them in `folder`.

    rclone tells every request in the file `log`.
    SystemExit, in one line, where it is not installed or does not start.
    """
    port = free_port()
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True, exist_ok=True)
    rclone = [str(Path(sys.prefix) / "bin/rclone"), "serve", "s3", "--config", "", str(folder)]
    rclone += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{_KEY},{_SECRET}"]
    rclone += [] if log is None else ["-vv", "--log-file", str(log)]
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",  # where it would ask for keys, if it had none
    }
    with _running({"rclone": rclone, "moto": moto}[kind], port) as process:
        server = S3(process, environment)
        if kind == "moto":
            for bucket in buckets:
                server.client.create_bucket(Bucket=bucket)
        yield server


@contextmanager
def _running(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    # What it says of every request is nobody's concern, and a full pipe would stop it.
    silent = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True)
    except OSError as error:
        raise SystemExit(f"no S3 server: {error}; `make env` installs one") from error
    try:
        _wait(process, port)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)  # a test may have stopped it
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("no S3 server: it does not answer; `make env` installs rclone and moto")
