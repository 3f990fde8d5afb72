"""A server of MLflow for a team, on PostgreSQL and S3, and a client of it: for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from benchmarks.s3_server import S3, free_port, s3_server
from tests.tracking.test_outages import URI, answering
from tests.tracking.test_promote import PARAMS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Place:
    """Where the server keeps its database, and the S3 that it alone has the keys of."""

    folder: Path
    s3: S3
    port: int

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def serving(
        self, *options: str, end: signal.Signals = signal.SIGTERM, **environment: str
    ) -> Iterator[None]:
        """The server, until the block ends: it alone gets a SIGTERM, all of its a SIGKILL."""
        command = [str(ROOT / "deploy/mlflow/serve"), str(self.folder), "s3://team/mlflow"]
        command += ["--port", str(self.port), "--workers", "1", *options]
        environment = {**self._environment, **environment}
        with (self.folder / "server.log").open("a") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                answering(f"{self.uri}/health", self.folder / "server.log")
                yield
            finally:
                if end == signal.SIGTERM:
                    process.send_signal(end)
                else:
                    os.killpg(process.pid, end)
                process.wait()

    @property
    def _environment(self) -> Mapping[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
        return {**kept, **self.s3.environment, "PATH": path}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    if not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        pytest.skip("PostgreSQL is not installed")
    if os.geteuid() == 0 and subprocess.run(["id", "-u", "postgres"], check=False).returncode:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    # Not below pytest's folders: those are root's alone, and the database is another user's.
    with tempfile.TemporaryDirectory() as name, s3_server(tmp_path, "team", kind="moto") as s3:
        folder = Path(name)
        folder.chmod(0o755)
        yield Place(folder, s3, free_port())
        if (pid := folder / "postgres/postmaster.pid").exists():
            os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)
            pytest.fail("the server's own database did not end with it")


@pytest.fixture(autouse=True)
def client_of_the_server(
    place: Place, project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client has the address, and no key of S3."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(URI, place.uri)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    Path("params.yaml").write_text(PARAMS)
