"""Shards at an address: the same bytes as on a disk, through a bounded cache that many share."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import fsspec
import numpy as np
import pytest
import xxhash

from benchmarks import photo_shards
from benchmarks.s3_server import S3, s3_server
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.temporaries import PREFIX
from huescape.color.spaces import SPACES
from huescape.params.systems import AugmentationParams, GeometryParams
from huescape.shards import ShardSet
from huescape.shards import cache as caches
from huescape.shards import remote as remotes
from huescape.shards.cache import FileCache
from huescape.shards.remote import described
from huescape.training.batches import Batch, Batches
from huescape.training.prefetch import map_tensors

PHOTOS, SIZE = 32, 64


@pytest.fixture
def local(tmp_path: Path, request: pytest.FixtureRequest) -> ShardSet:
    """Target shards, in the folder that is served as s3://team/shards."""
    count, shards = getattr(request, "param", (PHOTOS, photo_shards.SHARDS))
    return photo_shards.write_targets(tmp_path / "s3/team/shards/lab", count, SIZE, shards)


@pytest.fixture
def s3(tmp_path: Path, local: ShardSet, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with s3_server(tmp_path / "s3", "team", log=tmp_path / "s3.log") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HUESCAPE_SHARDS", "s3://team/shards")
        monkeypatch.setenv("HUESCAPE_SHARDS_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        # fsspec keeps a connection, and a thread of an earlier test may have made one since.
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        yield server


def opened() -> ShardSet:
    folder, remote = described(Path("data/shards/lab"))
    return ShardSet.open(folder, "targets", remote)


def batches(shards: ShardSet, window: int | None = None) -> Batches:
    seen = AugmentationParams(), GeometryParams()
    return Batches(shards, SPACES["lab"], *seen, size=8, seed=0, shuffle_shards=window)


def same(
    first: ShardSet, second: ShardSet, steps: range = range(8), window: int | None = None
) -> bool:
    """Whether the batches of a training are the same, to the bit."""
    one, two = batches(first, window), batches(second, window)
    return all(bits(one.train(step)) == bits(two.train(step)) for step in steps)


def bits(batch: Batch) -> list[bytes]:
    found: list[bytes] = []
    map_tensors(lambda tensor: found.append(tensor.numpy().tobytes()) or tensor, batch)
    return found


def held(cache: Path) -> int:
    """Bytes of its files, while none can make room for another that is counted later."""
    found = {}
    with FileCache(cache, 0)._alone("room"):
        for path in cache.iterdir():
            with suppress(FileNotFoundError):  # it has just been renamed, to one that is counted
                stat = path.stat()
                found[stat.st_ino] = stat.st_size if path.is_file() else 0
    return sum(found.values())


def columns(shards: ShardSet) -> int:
    """Bytes of all columns; those of equal content, as boxes may be, are fetched once."""
    return sum(len(content) for content in {p.read_bytes() for p in shards.folder.glob("*.npy")})


def test_batches_are_those_of_a_disk(s3: S3, local: ShardSet, tmp_path: Path) -> None:
    shards = opened()
    assert not list((tmp_path / "cache").glob("*.npy")), "nothing is fetched before it is read"
    assert same(shards, local)
    assert held(tmp_path / "cache") == columns(local)
    s3.process.kill()
    everything = range(PHOTOS)
    for name in local.columns:
        assert np.array_equal(shards.take(name, everything), local.take(name, everything))
    assert same(pickle.loads(pickle.dumps(shards)), local)


def test_the_cache_keeps_to_its_bound(
    s3: S3, local: ShardSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the shards at a time, for a training that draws from all of them."""
    shards = opened()
    assert shards._remote is not None
    shards._remote.cache.limit = limit = columns(local) // 2
    for step in range(4):
        assert same(shards, local, range(step, step + 1))
        assert held(tmp_path / "cache") <= limit
    shards._remote.cache.limit = 100
    with pytest.raises(HuescapeError, match=r"may hold 0\.0 MB, but a file has .*SHARDS_MB"):
        shards.take("lightness", range(PHOTOS))


def requests(log: Path) -> Counter[str]:
    """How often the server was asked for each column."""
    told = r"GET OBJECT Bucket: team Object: shards/lab/(\S+\.npy)$"
    return Counter(re.findall(told, log.read_text(), re.M))


def names(shards: ShardSet, batch: Batches, steps: range) -> set[str]:
    """The shards that these steps need."""
    rows = np.concatenate([batch.rows(step) for step in steps])
    return {shards.shard_names[number] for number in shards.shard_numbers(rows)}


@pytest.mark.parametrize("local", [(144, 12)], indirect=True)
@pytest.mark.parametrize("first", [0, 5])
def test_with_a_window_a_third_of_the_room_fetches_each_shard_once_an_epoch(
    s3: S3, local: ShardSet, tmp_path: Path, first: int
) -> None:
    """Twelve shards, two read and two fetched meanwhile; from the start, or from a checkpoint."""
    shards = opened()
    assert shards._remote is not None
    shards._remote.cache.limit = limit = columns(local) // 3 + len(local.columns) * 200
    epoch, batch = 144 // 8, batches(shards, 2)
    for step in range(first, epoch):
        assert bits(batch.train(step)) == bits(batches(local, 2).train(step))
        assert held(tmp_path / "cache") <= limit
    asked = requests(tmp_path / "s3.log")
    assert names(local, batch, range(first, epoch)) <= {path.split(".")[0] for path in asked}
    # The first block of the next epoch is fetched already, and more where it is the last of this.
    again = names(local, batch, range(epoch, epoch + 6))
    more = {path: k - 1 - (path.split(".")[0] in again) for path, k in asked.items()}
    # On a busy machine a file may go before it is opened; over all shards it would be most of them.
    assert sum(k for k in more.values() if k > 0) <= len(asked) // 10, more


@pytest.mark.long
def test_processes_share_the_cache(s3: S3, local: ShardSet, tmp_path: Path) -> None:
    """Both begin at once, and there is room for half of what each reads."""
    code = (
        "import sys; from pathlib import Path; from tests.shards.test_remote import *\n"
        "shards = opened(); shards._remote.cache.limit = int(sys.argv[2])\n"
        "assert same(shards, ShardSet.open(Path(sys.argv[1])))\n"
    )
    limit, root = columns(local) // 2, Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(local.folder), str(limit)]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"}
    running = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(timeout=300) for process in running] == [0, 0]
    assert 0 < held(tmp_path / "cache") <= limit


def test_what_rots_in_the_cache_is_fetched_again(s3: S3, local: ShardSet, tmp_path: Path) -> None:
    assert same(opened(), local, range(1))
    for path in (tmp_path / "cache").iterdir():
        if path.is_file():
            content = bytearray(path.read_bytes())
            content[-1] ^= 1
            path.write_bytes(content)
    assert same(opened(), local)


def test_what_is_wrong_is_one_line(
    s3: S3, local: ShardSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotes, "PAUSE_SECONDS", 0.0)
    (file := local.folder / "00000.lightness.npy").write_bytes(bytes(file.stat().st_size))
    with pytest.raises(HuescapeError, match=r"lab/00000\.lightness\.npy: damaged: its XXH3"):
        opened().take("lightness", range(PHOTOS))
    s3.client.delete_object(Bucket="team", Key="shards/lab/00000.lightness.npy")
    with pytest.raises(HuescapeError, match=r"00000\.lightness\.npy: no such file"):
        opened().take("lightness", range(PHOTOS))
    whole = opened()
    for address, words in (
        ("s3://nowhere/shards", "no such file, or no such bucket"),
        ("data/shards", "allowed: an address that fsspec reads"),
        ("nothing://a/b", "Protocol not known: nothing"),
        ("s3://", "allowed: an address that fsspec reads"),
    ):
        monkeypatch.setenv("HUESCAPE_SHARDS", address)
        with pytest.raises((HuescapeError, ParamsError), match=words):
            opened()
    s3.process.kill()
    with pytest.raises(HuescapeError, match=r"^s3://team/shards/lab/.*: cannot be fetched: "):
        whole.take("index", range(PHOTOS))
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name.startswith(".")]


def test_shards_that_were_copied_in_part_are_named_where_they_are(
    local: ShardSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUESCAPE_SHARDS", f"file://{local.folder.parent}")
    for name in ("00000.json", "index.json"):
        whole = (local.folder / name).read_bytes()
        (local.folder / name).write_bytes(whole[:-1])
        with pytest.raises(HuescapeError, match=rf"^file://.*/lab/{name}: .* copied in part"):
            opened()
        (local.folder / name).write_bytes(whole)
    assert opened().count == PHOTOS


def test_a_server_that_comes_back_is_tried_again(
    s3: S3, local: ShardSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotes, "PAUSE_SECONDS", 3.0)
    shards, again = opened(), list[subprocess.Popen[bytes]]()
    s3.process.kill()
    s3.process.wait()
    silent = subprocess.DEVNULL
    start = threading.Timer(
        1.0,
        lambda: again.append(subprocess.Popen(s3.process.args, stdout=silent, stderr=silent)),
    )
    start.start()
    try:
        assert same(shards, local, range(1))
    finally:
        start.join()
        again[0].kill()
        again[0].wait()


def test_a_server_that_stands_still_for_a_while_is_waited_for(s3: S3, local: ShardSet) -> None:
    shards = opened()
    s3.process.send_signal(signal.SIGSTOP)
    threading.Timer(1.0, s3.process.send_signal, [signal.SIGCONT]).start()
    assert same(shards, local, range(1))


def test_other_shards_than_those_of_the_project_are_refused(
    s3: S3, local: ShardSet, tmp_path: Path
) -> None:
    photo_shards.write_targets(tmp_path / "data/shards/lab", PHOTOS + 8, SIZE)
    with pytest.raises(HuescapeError, match="holds other shards than data/shards/lab"):
        opened()


def test_a_file_that_another_fetches_is_waited_for(tmp_path: Path) -> None:
    """Two threads want a file: one fetches it, and the other gets the same."""
    content, calls = b"some bytes", []
    key = xxhash.xxh3_128(content).hexdigest()
    begun, go = threading.Event(), threading.Event()

    def fetch(path: Path) -> None:
        calls.append(path)
        begun.set()
        go.wait(60)
        path.write_bytes(content)

    cache = FileCache(tmp_path, 1000)
    threads = [
        threading.Thread(target=cache.fetched, args=(key, len(content), fetch)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    begun.wait(60)
    go.set()
    for thread in threads:
        thread.join(60)
    assert len(calls) == 1
    assert cache.opened(key, len(content), fetch, Path.read_bytes) == content


def test_who_waits_for_room_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What another machine left in the middle of a fetch may be at work, and is not removed."""
    monkeypatch.setattr(caches, "PATIENCE_SECONDS", 0.2)
    other = tmp_path / f"{PREFIX}00000000-0123456789ab"
    other.write_bytes(bytes(900))
    content = b"x" * 200
    key = xxhash.xxh3_128(content).hexdigest()
    cache = FileCache(tmp_path, 1000)
    arguments = key, len(content), lambda path: path.write_bytes(content)
    thread = threading.Thread(target=cache.fetched, args=arguments)
    thread.start()
    said, deadline = "", time.monotonic() + 60
    while not said and time.monotonic() < deadline:
        said = capsys.readouterr().err
        time.sleep(0.05)
    [line] = said.splitlines()
    assert line.startswith(f"huescape: {tmp_path}: waits for room: 0.0 MB (HUESCAPE_SHARDS_")
    other.unlink()
    thread.join(60)
    assert cache.opened(*arguments, Path.read_bytes) == content
    assert capsys.readouterr().err == "", "once"
