"""The stage download, killed while it downloads and extracts, and refused: the real command."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from huescape.base.errors import HuescapeError
from huescape.sources.fetch import fetch
from huescape.sources.pace import Patience

PHOTOS = {f"SUN397/m/mountain/sun_{i:04d}.jpg": os.urandom(500) for i in range(2000)}
PARAMS = """\
download: {{sources: [{{kind: sun397, root: external/sun, url: "{url}", md5: {md5}}}]}}
quantizers: {{lab313: {{space: lab, bins: {{rule: gamut, step: 10.0}}, encode: {{method: soft}}}}}}
systems: {{}}
evaluate: {{prior: lab313}}
"""


@pytest.fixture
def project(tmp_path: Path, server: Any, make_tar: Callable[..., bytes]) -> Path:
    """A project whose archive comes from the server, at an address with secrets in it."""
    server.content = make_tar(PHOTOS)
    url = server.url.replace("http://", "http://me:hunter2@") + "?sig=hunter2"
    md5 = hashlib.md5(server.content).hexdigest()
    (tmp_path / "params.yaml").write_text(PARAMS.format(url=url, md5=md5))
    return tmp_path


def started(project: Path) -> subprocess.Popen[str]:
    variables = {**os.environ, "HUESCAPE_STATE": str(project / "state"), "HUESCAPE_WORKERS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "huescape", "download"],
        cwd=project,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def killed(project: Path, is_time: Callable[[], bool]) -> None:
    with started(project) as process:
        while process.poll() is None and not is_time():
            time.sleep(0.002)
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was done before the moment came"


def test_killed_again_and_again_it_ends_as_if_it_had_not_been(project: Path, server: Any) -> None:
    part = project / "external" / "SUN397.tar.gz.part"
    staging = project / "external" / "sun" / ".huescape-extracting" / "m" / "mountain"
    server.pause = 0.02
    for size in (100_000, 300_000):
        killed(project, lambda size=size: part.is_file() and part.stat().st_size > size)  # type: ignore[misc]
    server.pause = 0.0
    killed(project, lambda: staging.is_dir() and len(list(staging.iterdir())) > 50)
    with started(project) as process:
        said = process.communicate()
    assert process.returncode == 0, said
    starts = [int(re.sub(r"\D", "", asked)) for asked in server.asked[1:]]
    assert starts[0] > 100_000
    assert starts[1] > 300_000
    assert len(starts) == 2, "what was whole was not downloaded again"
    with (project / "data/raw/manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    hashes = {hashlib.sha256(content).hexdigest() for content in PHOTOS.values()}
    assert {row["sha256"] for row in rows} == hashes
    files = {path for path in project.rglob("*") if path.is_file()}
    names = {path.relative_to(project).as_posix() for path in files}
    assert {name for name in names if not name.endswith(".jpg")} == {
        "params.yaml",
        "external/SUN397.tar.gz",
        "external/sun/.huescape-extracted.json",
        "data/raw/manifest.csv",
        "data/raw/sources.json",
        "data/raw/SHA256SUMS",
        "state/hashes.jsonl",
        ".huescape/running/download",
        ".huescape/costs.jsonl",
    }
    holders = [path.name for path in files if b"hunter2" in path.read_bytes()]
    assert holders == ["params.yaml"]


def test_a_refusal_is_one_line_without_the_secrets(project: Path, server: Any) -> None:
    server.statuses = [403]
    with started(project) as process:
        said, complained = process.communicate()
    assert process.returncode == 1
    assert complained.count("\n") == 1
    assert "http://***@127.0.0.1" in complained
    assert "?sig=***: the server answers 403" in complained
    assert "hunter2" not in said + complained
    assert not (project / "data").exists()


def test_two_at_once_do_not_mix(project: Path, server: Any) -> None:
    part = project / "external" / "SUN397.tar.gz.part"
    server.pause = 0.02
    with started(project) as process:
        while process.poll() is None and not (part.is_file() and part.stat().st_size > 10_000):
            time.sleep(0.002)
        with pytest.raises(HuescapeError, match="another process downloads it"):
            fetch(server.url, part.with_suffix(""), patience=Patience())
        server.pause = 0.0
        process.communicate()
    assert process.returncode == 0


def test_a_password_in_netrc_is_used(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.content = b"content"
    fetch(server.url, tmp_path / "file")
    assert server.trusted == ["Basic bWU6aHVudGVyMg=="]
