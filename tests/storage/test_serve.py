"""What `deploy/mlflow/serve` refuses, in its last line; `test_team_server.py` lets it serve."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import threading
from configparser import ConfigParser
from pathlib import Path

import pytest

SERVE = Path(__file__).parents[2] / "deploy/mlflow/serve"


def refused(*arguments: str, database: str = "") -> str:
    """Its last line; nothing is left running."""
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": database}
    done = subprocess.run([SERVE, *arguments], capture_output=True, text=True, env=environment)
    assert done.returncode == 2, done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.skipif(not shutil.which("flock"), reason="needs util-linux")
def test_one_that_is_about_to_end_is_waited_for(tmp_path: Path) -> None:
    """Of a server that was killed, some process may still have the lock for a moment."""
    folder = tmp_path / "a user's"  # refused by the next thing that is looked at
    folder.mkdir()
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    released = threading.Timer(2.0, lock.close)
    released.start()
    said = refused(str(folder), "s3://bucket/prefix")
    assert "allowed in its path" in said
    assert lock.closed


@pytest.mark.long  # twenty seconds
@pytest.mark.skipif(not shutil.which("flock"), reason="needs util-linux")
def test_a_second_server_leaves_the_first_its_database(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = refused(str(tmp_path), "s3://bucket/prefix")
    assert said == f"serve: {tmp_path}: another server is at work here"
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("name", ["a user's", "R&D", "x" * 90])
@pytest.mark.skipif(not Path("/usr/lib/postgresql").exists(), reason="needs PostgreSQL")
def test_a_path_that_no_socket_can_have(tmp_path: Path, name: str) -> None:
    said = refused(str(tmp_path / name), "s3://bucket/prefix")
    assert said.startswith(f"serve: {tmp_path / name}: ")
    assert "allowed" in said


@pytest.mark.parametrize("password", ["", "too short"])
def test_users_without_a_first_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """MLflow's own would be the last line of a traceback."""
    monkeypatch.delenv("MLFLOW_AUTH_CONFIG_PATH", raising=False)
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", password)
    options = str(tmp_path), "s3://bucket/prefix", "--app-name", "basic-auth"
    said = refused(*options, database=f"sqlite:///{tmp_path}/mlflow.db")
    assert said.startswith("serve: MLFLOW_AUTH_ADMIN_PASSWORD: the first start needs one")
    assert not (tmp_path / "users.ini").exists()


@pytest.mark.long
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = str(tmp_path), "s3://bucket/prefix", "--port", port, "--workers", "1"
        said = refused(*options, database=f"sqlite:///{tmp_path}/mlflow.db")
    assert said == "serve: mlflow server has ended by itself"


@pytest.mark.long
def test_users_lie_in_the_database_of_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its address has a `%`, which means something to the reader of the file."""
    monkeypatch.delenv("MLFLOW_AUTH_CONFIG_PATH", raising=False)
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "twelve characters")
    database = f"sqlite:///{tmp_path}/a%20b.db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = ["--port", str(taken.getsockname()[1]), "--app-name", "basic-auth"]
        refused(str(tmp_path), "s3://bucket/prefix", *options, database=database)
    settings = ConfigParser()
    settings.read(tmp_path / "users.ini")
    assert settings["mlflow"]["database_uri"] == database
