"""A kind of source is one file: its options are checked and its photos listed."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import huescape
from huescape.base.errors import ParamsError
from huescape.params.download import DownloadParams
from huescape.sources.kinds import sources_of

SOURCE = """
from pathlib import Path

from huescape.sources.listing import found_file
from huescape.sources.source import SourceOnDisk


class NumberedSource(SourceOnDisk):
    name: str = "numbered"
    first: int = 0
    is_local = True
    licence_text = "CC0"

    def found(self, key, raw, left_out):
        names = sorted(path.name for path in self.place(raw).glob("*.png"))
        return [found_file(self.place(raw), name, "any", "core") for name in names[self.first :]]
"""
PROGRAM = """
import sys
from pathlib import Path
from huescape.params.download import DownloadParams
from huescape.stages import download
source = {"kind": "numbered", "root": sys.argv[1], "first": int(sys.argv[2])}
download.run(Path("raw"), DownloadParams.model_validate({"sources": [source]}), workers=1)
"""


def test_one_file_more_is_a_kind_more(tmp_path: Path) -> None:
    package = tmp_path / "src" / "huescape"
    shutil.copytree(Path(huescape.__file__).parent, package)
    (package / "sources" / "kinds" / "numbered.py").write_text(SOURCE)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        (photos / f"{number}.png").write_bytes(bytes([number]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(photos), "1"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "raw" / "manifest.csv").open() as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ["numbered/1", "numbered/2"]
    assert '"licence": "CC0"' in (tmp_path / "raw" / "sources.json").read_text()


RENDERED = """
from huescape.sources.listing import found_file
from huescape.sources.source import Source


class PlainSource(Source):
    name: str = "plain"
    rendered = r"plain-[0-9]+\\.png"

    def place(self, raw):
        return raw / self.name

    def render(self, raw, workers):
        self.place(raw).mkdir()
        (self.place(raw) / "plain-1.png").write_bytes(b"1")

    def found(self, key, raw, left_out):
        return [found_file(self.place(raw), "plain-1.png", "any", "core")]
"""
TWICE = """
from pathlib import Path
from huescape.params.download import DownloadParams
from huescape.stages import download
params = DownloadParams.model_validate({"sources": [{"kind": "plain"}]})
for _ in range(2):
    download.run(Path("raw"), params, workers=1)
"""


def test_what_a_kind_renders_is_made_anew(tmp_path: Path) -> None:
    package = tmp_path / "src" / "huescape"
    shutil.copytree(Path(huescape.__file__).parent, package)
    (package / "sources" / "kinds" / "plain.py").write_text(RENDERED)
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-c", TWICE]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "raw" / "plain" / "plain-1.png").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "flickr"}, ["download.sources.0.kind is 'flickr'", "folder, imagenet"]),
        ({"kind": "sample", "photos": "many"}, ["download.sources.0.photos", "whole number"]),
        ({"kind": "sample", "photoz": 30}, ["download.sources.0.photoz", "photos, seed"]),
        ({"kind": "folder"}, ["download.sources.0.root", "is missing"]),
        ({"kind": "sun397", "root": "x", "md5": "1"}, ["download.sources.0.md5", "0-9a-f"]),
    ],
)
def test_a_wrong_source_is_named(source: Any, words: list[str]) -> None:
    with pytest.raises(ParamsError) as caught:
        sources_of(DownloadParams.model_validate({"sources": [source]}), "here.yaml")
    for word in ["here.yaml: ", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://me:hunter2@host/a", "me:hunter2@host/a.tar", "http://me:hunt/er2@host/a"),
        *("file:///hunter2", "http://", "http://[::1/hunter2", "http://host:0/hunter2", "", "://"),
        *("http://host:hunter2/", "http:hunter2", "http://host:99999/hunter2"),
    ],
)
def test_what_is_no_address_is_refused_and_not_quoted(url: str) -> None:
    source = {"kind": "sun397", "root": "x", "url": url}
    with pytest.raises(ParamsError, match=r"download\.sources\.0\.url: .*allowed: http") as caught:
        sources_of(DownloadParams.model_validate({"sources": [source]}), "here.yaml")
    assert "hunt" not in str(caught.value)
