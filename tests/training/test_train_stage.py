"""The stage: what it writes, killed and resumed, and what it says about bad input."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from huescape import networks
from huescape.base import closure
from huescape.base.errors import HuescapeError
from huescape.params.systems import SystemParams
from huescape.shards.remote import described
from huescape.stages import train
from huescape.systems.system import load_system

MakeParams = Callable[..., SystemParams]
FILES = ["SHA256SUMS", "history.csv", "system.json", "weights.safetensors"]

# A process that trains as the command line would, on a throttled recorder so that it can be hit.
SCRIPT = """
import sys, time
from pathlib import Path
from huescape.base.errors import HuescapeError
from huescape.params.systems import SystemParams
from huescape.stages import train

class Slow:
    def metrics(self, step, values):
        print(step, flush=True)
        time.sleep(0.2)
    def picture(self, name, step, rgb):
        pass

data, out = Path(sys.argv[1]), Path(sys.argv[2])
params = SystemParams.model_validate_json(sys.argv[3])
try:
    train.run(data / "shards", data / "prior.npz", data / "bins.npz", out, params, name="toy",
              recorder=Slow())
except HuescapeError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def run(data: Path, out: Path, params: SystemParams) -> dict[str, float]:
    return train.run(
        data / "shards", data / "prior.npz", data / "bins.npz", out, params, name="toy"
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_writes_a_system_that_loads(
    targets: Path, tmp_path: Path, state: Path, make_params: MakeParams
) -> None:
    metrics = run(targets, tmp_path / "model", make_params())
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == FILES
    system = load_system(tmp_path / "model")
    network = {"name": "colorunet", "width": 4, "skips": True}  # with its defaults
    loss = {"name": "cross_entropy", "weighted": True, "reduction": "pixel"}
    assert system.params == make_params(network=network, loss=loss)
    assert system.quantizer["name"] == "toy"
    description = json.loads((tmp_path / "model" / "system.json").read_text())
    assert description["steps"] == metrics["steps"] == 12
    assert description["loss"] == metrics["loss"]
    assert len(description["dataset_digest"]) == 64
    rows = list(csv.DictReader((tmp_path / "model" / "history.csv").open()))
    assert list(rows[0]) == ["step", "loss", "lr", "grad_norm", "val_loss"]
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    assert float(rows[-1]["loss"]) == metrics["loss"]
    assert float(rows[-1]["lr"]) == pytest.approx(0.001)
    assert not list((state / "checkpoints").iterdir())
    run(targets, tmp_path / "again", make_params())
    assert contents(tmp_path / "again") == contents(tmp_path / "model")


@pytest.mark.parametrize("window", [None, 1])
def test_shards_at_an_address_give_the_same_bytes(
    targets: Path,
    tmp_path: Path,
    make_params: MakeParams,
    monkeypatch: pytest.MonkeyPatch,
    window: int | None,
) -> None:
    params = make_params(shuffle_shards=window)
    run(targets, tmp_path / "disk", params)
    monkeypatch.setenv("HUESCAPE_SHARDS", f"file://{targets}")
    monkeypatch.setenv("HUESCAPE_SHARDS_CACHE", str(tmp_path / "cache"))
    shards, remote = described(tmp_path / "elsewhere/shards")
    rest = targets / "prior.npz", targets / "bins.npz"
    train.run(shards, *rest, tmp_path / "model", params, name="toy", remote=remote)
    assert contents(tmp_path / "model") == contents(tmp_path / "disk")
    assert load_system(tmp_path / "model").params.shuffle_shards == window
    if window is not None:
        run(targets, tmp_path / "all", make_params())
        weights = [contents(tmp_path / name)["weights.safetensors"] for name in ("disk", "all")]
        assert weights[0] != weights[1]
    assert not list(shards.glob("*.npy")), "the columns are in the cache"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_and_resumed_ends_with_the_same_bytes(
    targets: Path,
    tmp_path: Path,
    state: Path,
    make_params: MakeParams,
    number: signal.Signals,
) -> None:
    params = make_params(steps=24, checkpoint_every=4)
    run(targets, tmp_path / "straight", params)
    out = tmp_path / "model"
    command = [sys.executable, "-c", SCRIPT, str(targets), str(out), params.model_dump_json()]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 8:
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert not out.exists()
    kept = list((state / "checkpoints").iterdir())
    assert len(kept) == 1
    assert any(kept[0].glob("step-*.pt"))
    if number != signal.SIGKILL:
        assert process.returncode == 130
        last = errors.strip().splitlines()[-1]
        assert "of 24; the same command goes on from there" in last
    before = time.perf_counter()
    metrics = run(targets, out, params)
    assert time.perf_counter() - before < 60
    assert metrics["steps"] == 24
    assert contents(out) == contents(tmp_path / "straight")


def test_other_inputs_do_not_go_on(
    targets: Path, make_params: MakeParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    shutil.copytree(targets, data)
    files = data / "shards", data / "prior.npz", data / "bins.npz"
    keys = {train.resume_key(*files, make_params()), train.resume_key(*files, make_params(seed=1))}
    np.savez(data / "prior.npz", weights=np.full(4, 2.0), empirical=np.ones(4))
    keys.add(train.resume_key(*files, make_params()))
    text = (data / "shards" / "index.json").read_text()
    (data / "shards" / "index.json").write_text(text + " ")
    keys.add(train.resume_key(*files, make_params()))
    assert len(keys) == 4
    copy = tmp_path / "huescape"
    shutil.copytree(Path(networks.__file__).parents[1], copy)
    monkeypatch.setattr(closure, "PACKAGE", copy)
    for changed in ("reporting/wording.py", "losses/focal.py", "networks/blocks.py"):
        before = train.resume_key(*files, make_params())
        with (copy / changed).open("a") as source:
            source.write("# another version")
        keys.add(train.resume_key(*files, make_params()))
        same = train.resume_key(*files, make_params()) == before
        assert same == (changed == "reporting/wording.py")


def corrupt(data: Path) -> None:
    path = data / "shards" / "00001.index.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: (d / "prior.npz").unlink(), r"prior\.npz: no such file"),
        (lambda d: (d / "bins.npz").write_bytes(b"junk"), r"bins\.npz: is not a readable \.npz"),
        (lambda d: np.savez(d / "prior.npz", x=1), r"prior\.npz: has no array 'weights'"),
        (
            lambda d: np.savez(d / "prior.npz", weights=np.ones(5), empirical=np.ones(4)),
            r"weights have shape \(5,\)",
        ),
        (
            lambda d: np.savez(d / "prior.npz", weights=-np.ones(4), empirical=np.ones(4)),
            "none negative",
        ),
        (lambda d: np.savez(d / "bins.npz", centers=np.full((4, 2), np.inf)), "not finite"),
        (lambda d: (d / "shards" / "index.json").unlink(), r"index\.json: no such file"),
        (
            lambda d: np.savez(d / "prior.npz", weights=np.ones(4), empirical=np.ones(5)),
            r"the prior has shape \(5,\) and sum 5; allowed: \(4,\)",
        ),
        (lambda d: np.savez(d / "prior.npz", weights=np.ones(4)), "has no array 'empirical'"),
        (corrupt, r"00001\.index\.npy: damaged"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    targets: Path,
    tmp_path: Path,
    make_params: MakeParams,
    damage: Callable[[Path], object],
    words: str,
) -> None:
    data = tmp_path / "data"
    shutil.copytree(targets, data)
    damage(data)
    with pytest.raises(HuescapeError, match=words) as caught:
        run(data, tmp_path / "model", make_params())
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model").exists()


def test_another_quantizer_is_refused(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    with pytest.raises(HuescapeError, match=r"made with quantizer 'toy'; .* 'lab313'"):
        run(targets, tmp_path / "model", make_params(quantizer="lab313"))
