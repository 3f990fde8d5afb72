"""Models, checkpoints, arrays, pretrained weights and remembered hashes that are damaged or lie.

A model, arrays and pretrained weights are refused in one line. A checkpoint and a remembered hash
are state that can be made anew: they are dropped, and the work goes on.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from huescape.base.arrays import read_arrays
from huescape.base.digests import SUMS, seal
from huescape.base.errors import HuescapeError
from huescape.networks.pretrained import weights
from huescape.params.systems import SystemParams
from huescape.sources import hashing
from huescape.sources.hashing import HashCache, hash_photos
from huescape.sources.listing import Found
from huescape.systems.system import WEIGHTS, build_system, load_system, save_system
from huescape.training.checkpoints import Checkpoint, CheckpointFolder
from tests.faults.damage import cut, flipped

CENTERS = np.array([[0.0, 0.0], [0.2, -0.1], [-0.15, 0.2]])
DESCRIPTION = "system.json"


@dataclass(frozen=True)
class Case:
    """What is read, what is done to it, and a part of the line that must come of it."""

    kind: str
    name: str
    damage: Callable[[Path], object]
    words: str = ""


class _Evil:
    """Unpickled, it would leave a file `ran` in the working folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def _is(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _gone(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _describes(*keys: Any, to: Any = ...) -> Callable[[Path], object]:
    """A description that says something else (or no longer says it), with its digest."""

    def damage(folder: Path) -> None:
        value = at = json.loads((folder / DESCRIPTION).read_text())
        for key in keys[:-1]:
            at = at[key]
        if to is ...:
            del at[keys[-1]]
        else:
            at[keys[-1]] = to
        (folder / DESCRIPTION).write_text(json.dumps(value))
        seal(folder)

    return damage


def _description_is(content: bytes) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (folder / DESCRIPTION).write_bytes(content)
        seal(folder)

    return damage


def _weights_are(change: Callable[[dict[str, Any]], object] | bytes) -> Callable[[Path], object]:
    """Other weights, with their digests everywhere."""

    def damage(folder: Path) -> None:
        content = change
        if not isinstance(content, bytes):
            state = safetensors.torch.load((folder / WEIGHTS).read_bytes())
            content(state)
            content = safetensors.torch.save(state)
        (folder / WEIGHTS).write_bytes(content)
        _describes("weights_sha256", to=hashlib.sha256(content).hexdigest())(folder)

    return damage


def _first(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, Any]], object]:
    def apply(state: dict[str, Any]) -> None:
        name = min(state)
        state[name] = change(state[name]).contiguous()

    return apply


def _header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text + bytes(64)


def _torch_saved(value: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def _zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as stored:
        for name, content in members.items():
            stored.writestr(f"{name}.npy", content)
    return stream.getvalue()


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


_NOT_JSON = {
    "empty": b"",
    "a list": b"[]",
    "half": b'{"version": 3',
    "no UTF-8": b'{"version": "\xff"}',
    "nested": b"[" * 100_000,
    "a long number": b'{"version": ' + b"9" * 5001 + b"}",
    "HTML": b"<html>please log in</html>",
}
_BAD_DESCRIPTIONS = {
    "older": _describes("version", to=2),
    "newer": _describes("version", to=4),
    "no version": _describes("version"),
    "no params": _describes("params"),
    "params of text": _describes("params", to="colorunet"),
    "a parameter more": _describes("params", "depth", to=3),
    "no seed is a default, no such preset": _describes("params", "preset", to=7),
    "an unknown network": _describes("params", "network", "name", to="resnet"),
    "an unknown option": _describes("params", "network", "depth", to=3),
    "another width": _describes("params", "network", "width", to=4),
    "a width of none": _describes("params", "network", "width", to=0),
    "no centers": _describes("centers"),
    "centers in words": _describes("centers", to="many"),
    "a center less": _describes("centers", to=[[0.0, 0.0]]),
    "ragged centers": _describes("centers", to=[[0.0, 0.0], [0.1], [0.2, 0.3]]),
    "centers of nothing": _describes("centers", to=None),
    "no quantizer": _describes("quantizer"),
    "a quantizer of text": _describes("quantizer", to="yuv"),
    "another quantizer": _describes("quantizer", "name", to="lab"),
    "no space": _describes("quantizer", "space"),
    "an unknown space": _describes("quantizer", "space", to="rgb"),
    "other bins": _describes("quantizer", "bins", to=4),
    "no digest of the weights": _describes("weights_sha256"),
    "another digest of the weights": _describes("weights_sha256", to="0" * 64),
}
_BAD_WEIGHTS: dict[str, Callable[[dict[str, Any]], object] | bytes] = {
    "a tensor less": lambda state: state.pop(min(state)),
    "a tensor more": lambda state: state.update(more=torch.zeros(3)),
    "none": lambda state: state.clear(),
    "another shape": _first(lambda tensor: tensor.flatten()[:1]),
    "empty": b"",
    "a header beyond the file": (1 << 40).to_bytes(8, "little") + b"{}",
    "a header that is no JSON": _header(b"{]"),
    "a header that is a list": _header(b"[]"),
    "a tensor beyond the file": _header(
        b'{"w": {"dtype": "F32", "shape": [9999], "data_offsets": [0, 39996]}}'
    ),
    "tensors that overlap": _header(
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},'
        b' "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}'
    ),
    "an unknown dtype": _header(b'{"w": {"dtype": "Q4", "shape": [1], "data_offsets": [0, 4]}}'),
    "a pickle": pickle.dumps(_Evil()),
    "of torch": _torch_saved({"w": torch.zeros(3)}),
    "a photo": b"\xff\xd8\xff\xe0" + bytes(300),
}
_BAD_ARRAYS = {
    "empty": b"",
    "text": b"centers\n0 0\n",
    "HTML": b"<html>please log in</html>",
    "a single array": _npy(CENTERS),
    "no arrays": _zipped(),
    "other arrays": _zipped(weights=_npy(CENTERS)),
    "objects": _zipped(centers=_npy(np.array([_Evil()], dtype=object))),
    "text in the archive": _zipped(centers=b"0 0\n"),
    "nothing in the archive": _zipped(centers=b""),
    "not a number": _zipped(centers=_npy(np.array([[np.nan, 0.0]]))),
    "infinity": _zipped(centers=_npy(np.array([[np.inf, 0.0]]))),
    "a huge claim": _zipped(
        centers=_npy(CENTERS).replace(b"(3, 2), }        ", b"(3000000000000,)}")
    ),
    "half an array": _zipped(centers=_npy(CENTERS)[:-8]),
    "a pickle": pickle.dumps(_Evil()),
    "half": _zipped(centers=_npy(CENTERS))[:150],
    "a wrong CRC": _zipped(centers=_npy(CENTERS)).replace(b"NUMPY", b"NUMPX", 1),
}
_STATE = {"features.weight": torch.zeros(3, 3), "features.bias": torch.zeros(3)}
_BAD_PRETRAINED = {
    "empty": b"",
    "text": b"these are no weights\n" * 20,
    "one letter": b"x",
    "a number": b"12345",
    "HTML": b"<!doctype html><html>please log in</html>",
    "JSON": b'{"features.weight": [0, 1]}',
    "YAML": b"features:\n  weight: 0\n",
    "NULs": bytes(500),
    "an evil pickle": pickle.dumps(_Evil()),
    "an evil file of torch": _torch_saved({"w": _Evil()}),
    "a pickle of a dictionary": pickle.dumps({"w": 3}),
    "a list": _torch_saved([torch.zeros(3)]),
    "a tensor": _torch_saved(torch.zeros(3)),
    "numbers": _torch_saved({"w": 3}),
    "no tensors": _torch_saved({}),
    "a whole training": _torch_saved({"model": _STATE, "epoch": 3}),
    "a zip of something else": _zipped(centers=_npy(CENTERS)),
    "half": _torch_saved(_STATE)[:400],
    "without its end": _torch_saved(_STATE)[:-40],
    "safetensors": safetensors.torch.save(_STATE),
    "a photo": b"\xff\xd8\xff\xe0" + bytes(300),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(60),
    "a pickle cut": b"\x80\x02}q\x00(X\x08",
    "opcodes": b"\x80\x02cos\nsystem\nq\x00U\x05falseq\x01\x85q\x02Rq\x03.",
}
_BAD_LINES = {
    "NULs": bytes(40),
    "no UTF-8": b"\xff\xfe\n",
    "half a line": b'["/a/b.jpg", -1, 30',
    "null": b"null\n",
    "an object": b'{"a": 1}\n',
    "nested": b"[" * 100_000 + b"\n",
    "a long number": b"[" + b"9" * 5001 + b"]\n",
    "without a check": b'["/p", -1, 100, 1, 1, "' + b"0" * 64 + b'"]\n',
}
_LAST = "step-00000010.pt"
_EVIL_CHECKPOINT = pickle.dumps(_Evil())

CASES = [
    *(
        Case("model", f"{name}, bit at {share}", flipped(name, share), "`dvc repro -s -f train@")
        for name in (DESCRIPTION, WEIGHTS)
        for share in (0.1, 0.3, 0.5, 0.7, 0.9)
    ),
    *(
        Case("model", f"{n} cut at {s}", cut(n, s))
        for n in (DESCRIPTION, WEIGHTS)
        for s in (0, 0.5)
    ),
    *(Case("model", f"no {name}", _gone(name)) for name in (DESCRIPTION, WEIGHTS, SUMS)),
    *(Case("model", f"description is {n}", _description_is(t)) for n, t in _NOT_JSON.items()),
    *(Case("model", f"description: {n}", damage) for n, damage in _BAD_DESCRIPTIONS.items()),
    *(Case("model", f"weights: {n}", _weights_are(c), WEIGHTS) for n, c in _BAD_WEIGHTS.items()),
    *(Case("arrays", name, _is("a.npz", content)) for name, content in _BAD_ARRAYS.items()),
    *(Case("arrays", f"bit at {share}", flipped("a.npz", share)) for share in (0.4, 0.5, 0.99)),
    Case("arrays", "no file", _gone("a.npz"), "no such file"),
    *(Case("pretrained", name, _is("own.pth", text)) for name, text in _BAD_PRETRAINED.items()),
    Case("pretrained", "no file", _gone("own.pth"), "no such file"),
    *(
        Case("checkpoint", f"bit at {share}", flipped(_LAST, share), "damaged")
        for share in (0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1)
    ),
    *(Case("checkpoint", f"cut at {s}", cut(_LAST, s), "damaged") for s in (0, 0.01, 0.5, 0.99)),
    Case("checkpoint", "a pickle", _is(_LAST, _EVIL_CHECKPOINT), "damaged"),
    Case("checkpoint", "of torch", _is(_LAST, _torch_saved({"step": 10})), "damaged"),
    *(
        Case("checkpoint", name, _is(_LAST, hashlib.sha256(c).hexdigest().encode() + b"\n" + c))
        for name, c in {
            "an evil pickle, signed": _EVIL_CHECKPOINT,
            "nothing, signed": b"",
            "a list, signed": _torch_saved([1, 2]),
            "other keys, signed": _torch_saved({"steps": 10, "learner": {}, "values": []}),
            "other counts, signed": _torch_saved({"step": 10, "learner": {}, "values": []}),
            "text, signed": b"step 10\n",
        }.items()
    ),
    *(Case("hashes", name, _is("more", text)) for name, text in _BAD_LINES.items()),
    *(Case("hashes", f"bit at {s}", flipped("hashes", s)) for s in (0.1, 0.3, 0.5, 0.7, 0.9)),
]


def _model(folder: Path) -> None:
    values = {"preset": "colorunet", "quantizer": "toy", "loss": {"name": "cross_entropy"}}
    params = SystemParams.model_validate(values | {"network": {"name": "colorunet", "width": 2}})
    quantizer = {"quantizer": "toy", "space": "yuv", "encode": {"method": "hard", "stride": 1}}
    save_system(
        folder, build_system(params, quantizer | {"bins": 3}, CENTERS, np.ones(3)), {"steps": 1}, ""
    )


def _refused(read: Callable[[], object], folder: Path, case: Case) -> None:
    with pytest.raises(HuescapeError) as caught:
        read()
    message = str(caught.value)
    assert case.words in message
    assert str(folder) in message
    assert "\n" not in message
    assert len(message) < 700


def _of(kind: str) -> Any:
    cases = [case for case in CASES if case.kind == kind]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """No pickle runs, whatever reads it."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not Path("ran").exists()


@_of("model")
def test_a_bad_model_is_one_line(tmp_path: Path, case: Case) -> None:
    _model(tmp_path)
    load_system(tmp_path)
    case.damage(tmp_path)
    _refused(lambda: load_system(tmp_path), tmp_path, case)


@_of("arrays")
def test_bad_arrays_are_one_line(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, centers=CENTERS)
    case.damage(tmp_path)
    _refused(lambda: read_arrays(path, "centers", stage="bins@yuv"), path, case)


@_of("pretrained")
def test_bad_pretrained_weights_are_one_line(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "own.pth"
    torch.save(_STATE, path)
    case.damage(tmp_path)
    _refused(lambda: weights.read_tensors(f"vgg16:{path}"), path, case)


@_of("checkpoint")
def test_a_bad_checkpoint_is_dropped(
    tmp_path: Path, case: Case, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in (5, 10):
        learner = {"network": {"w": torch.full((50,), float(step))}}
        folder.save(Checkpoint(step, learner, torch.tensor([1.0, 2.0]).repeat(step, 1)))
    case.damage(tmp_path)
    latest = folder.latest()
    assert latest is not None
    assert latest.step == 5
    assert torch.equal(latest.learner["network"]["w"], torch.full((50,), 5.0))
    [line] = capfd.readouterr().err.splitlines()
    assert f"{_LAST}: dropped (" in line
    assert case.words in line
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-00000005.pt"]


@_of("hashes")
def test_bad_hashes_only_cost_a_look(
    tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "_SETTLED_NS", -1)  # files just written count as old
    photos = []
    for number in range(3):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes([number]) * 100)
        photos.append(Found(path.name, path, "", "core", 100))
    with HashCache(tmp_path / "hashes") as cache:
        expected = hash_photos(photos, cache, 1)
    case.damage(tmp_path)
    if (tmp_path / "more").exists():
        content = (tmp_path / "hashes").read_bytes()
        (tmp_path / "hashes").write_bytes((tmp_path / "more").read_bytes() + content[:-30])
    for _ in range(2):
        with HashCache(tmp_path / "hashes") as cache:
            assert hash_photos(photos, cache, 1) == expected
