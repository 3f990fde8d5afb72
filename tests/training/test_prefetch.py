"""Batches made ahead are those made in turn; errors come through and no thread is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from huescape.base.errors import HuescapeError
from huescape.base.interrupts import Interrupted, StopRequest
from huescape.color.spaces import SPACES
from huescape.losses.targets import Targets
from huescape.params.systems import AugmentationParams, GeometryParams, SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import build_system
from huescape.training import loop, prefetch
from huescape.training.batches import Batch, Batches
from huescape.training.checkpoints import CheckpointFolder
from huescape.training.prefetch import BatchesAhead, CudaMover, batches_on, map_tensors
from huescape.training.run import train

CPU = torch.device("cpu")
on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
MakeParams = Callable[..., SystemParams]


def numbered(step: int) -> Batch:
    """A batch that tells its step."""
    return Batch(torch.full((1, 1, 2, 2), float(step)), Targets(torch.ones(1, 2, 2).bool()))


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "batches"]


def until(happened: Callable[[], bool]) -> None:
    """Wait for what another thread does; a test that hangs is worse than one that fails."""
    for _ in range(2000):
        if happened():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("ahead", [1, 2, 3])
@pytest.mark.parametrize("steps", [range(0), range(1), range(7, 20)])
def test_batches_come_in_order_and_then_end(ahead: int, steps: range) -> None:
    with BatchesAhead(numbered, steps, ahead) as batches:
        assert [int(batch.input_N1HW[0, 0, 0, 0]) for batch in batches] == list(steps)
        assert not threads()
        with pytest.raises(StopIteration):
            next(batches)


def test_no_more_are_made_than_allowed() -> None:
    made: list[int] = []

    def make(step: int) -> Batch:
        made.append(step)
        return numbered(step)

    with BatchesAhead(make, range(100), ahead=2) as batches:
        until(lambda: len(made) == 2)
        time.sleep(0.05)
        assert made == [0, 1]
        next(batches)
        until(lambda: len(made) == 3)
        time.sleep(0.05)
        assert made == [0, 1, 2]
    assert not threads()


def test_the_next_is_made_while_one_is_used() -> None:
    """Not timed: the second batch is made before anyone asks for it, or the wait never ends."""
    second = threading.Event()

    def make(step: int) -> Batch:
        if step == 1:
            second.set()
        return numbered(step)

    with BatchesAhead(make, range(5)) as batches:
        next(batches)
        assert second.wait(10)


def test_an_error_comes_as_it_is_after_the_batches_before_it() -> None:
    error = HuescapeError("shard 00003 is damaged")

    def make(step: int) -> Batch:
        if step == 2:
            raise error
        return numbered(step)

    with BatchesAhead(make, range(10)) as batches:
        next(batches)
        next(batches)
        with pytest.raises(HuescapeError) as caught:
            next(batches)
        assert caught.value is error
        assert not threads()
        with pytest.raises(StopIteration):
            next(batches)


def leave_with(error: type[BaseException], make: Callable[[int], Batch]) -> None:
    with BatchesAhead(make, range(1000)) as batches:
        next(batches)
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_leaving_ends_the_thread_after_the_batch_at_hand(error: type[BaseException]) -> None:
    made: list[int] = []

    def make(step: int) -> Batch:
        made.append(step)
        return numbered(step)

    with pytest.raises(error):
        leave_with(error, make)
    assert not threads()
    assert len(made) <= 1 + prefetch.AHEAD


def test_on_the_cpu_each_is_made_when_it_is_asked_for() -> None:
    made: list[tuple[int, int]] = []

    def make(step: int) -> Batch:
        made.append((step, threading.get_ident()))
        return numbered(step)

    with batches_on(CPU, make, range(5)) as batches:
        next(batches)
        next(batches)
        assert made == [(0, threading.get_ident()), (1, threading.get_ident())]
        assert not threads()


def test_every_tensor_of_a_batch_is_changed() -> None:
    index = torch.zeros(1, 2, 2, 1, dtype=torch.int64)
    chroma, mask = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2)
    positions = torch.zeros(1, 4, dtype=torch.int64)
    batch = Batch(torch.zeros(1, 1, 2, 2), Targets(mask, index, None, chroma), positions)
    changed = map_tensors(lambda tensor: tensor + 1, batch)
    assert changed.targets.weight_NhwK is None
    assert changed.positions_NP is not None
    for tensor in (
        changed.input_N1HW,
        changed.positions_NP,
        *(getattr(changed.targets, k) for k in TENSORS),
    ):
        assert bool((tensor == 1).all())


TENSORS = ("mask_Nhw", "index_NhwK", "chroma_N2hw")


def trained(
    folder: Path, checkpoints: Path, params: SystemParams, device: torch.device = CPU
) -> bytes:
    shards = ShardSet.open(folder / "shards")
    system = build_system(params, shards.meta, np.load(folder / "bins.npz")["centers"], np.ones(4))
    train(system, shards, np.ones(4), device=device, checkpoint_dir=checkpoints)
    state = system.network.state_dict().values()
    return b"".join(v.cpu().contiguous().numpy().tobytes() for v in state)


@pytest.fixture
def made_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train on the CPU with the thread that CUDA gets."""

    def ahead(device: torch.device, make: Callable[[int], Batch], steps: range) -> BatchesAhead:
        return BatchesAhead(lambda step: make(step).to(device), steps)

    monkeypatch.setattr(loop, "batches_on", ahead)


def test_a_training_ends_with_the_same_bytes(
    targets: Path, tmp_path: Path, make_params: MakeParams, request: pytest.FixtureRequest
) -> None:
    plain = trained(targets, tmp_path / "a", make_params())
    request.getfixturevalue("made_ahead")
    assert trained(targets, tmp_path / "b", make_params()) == plain


@pytest.mark.usefixtures("made_ahead")
def test_going_on_after_a_stop_ends_with_the_same_bytes(
    targets: Path, tmp_path: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = trained(targets, tmp_path / "a", make_params())
    with monkeypatch.context() as patch:
        answers = iter([False] * 7)
        patch.setattr(StopRequest, "__bool__", lambda self: next(answers, True))
        with pytest.raises(Interrupted, match="after step 8 of 12"):
            trained(targets, tmp_path / "b", make_params())
    assert not threads()
    assert trained(targets, tmp_path / "b", make_params()) == straight


@pytest.mark.usefixtures("made_ahead")
def test_a_damaged_batch_stops_the_training_with_its_own_words(
    targets: Path, tmp_path: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Batches.train

    def damaged(self: Batches, step: int) -> Batch:
        if step == 7:
            raise HuescapeError("photo007 is damaged")
        return original(self, step)

    monkeypatch.setattr(Batches, "train", damaged)
    with pytest.raises(HuescapeError, match=r"^photo007 is damaged$"):
        trained(targets, tmp_path, make_params())
    assert not threads()
    latest = CheckpointFolder(tmp_path).latest()
    assert latest is not None
    assert latest.step == 5


class FakeCuda:
    """Stands in for torch.cuda and writes down what it is asked for, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def stream(self, stream: str) -> nullcontext[None]:
        self.log.append(f"on {stream}")
        return nullcontext()

    def Stream(self, device: torch.device) -> str:
        return "copies"

    def current_stream(self, device: torch.device) -> FakeCuda:
        return self

    def Event(self) -> FakeCuda:
        return self

    def record(self, stream: str) -> None:
        self.log.append(f"arrival on {stream}")

    def wait_event(self, event: FakeCuda) -> None:
        assert event is self
        self.log.append("wait")


def test_a_copy_is_waited_for_by_the_stream_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order, or a step could compute with what has not arrived or is overwritten."""
    fake, log = FakeCuda(), []
    monkeypatch.setattr(prefetch.torch, "cuda", fake)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: log.append("pin") or self)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda self, on: fake.log.append("used"))
    mover = CudaMover(CPU)
    sent = mover.send(numbered(3))
    assert fake.log == ["on copies", "arrival on copies"]
    assert log == ["pin", "pin"]
    received = mover.receive(sent)
    assert fake.log[2:] == ["wait", "used", "used"]
    assert torch.equal(received.input_N1HW, numbered(3).input_N1HW)


@on_cuda
@pytest.mark.parametrize("noise", [(), (0.02,)])
def test_what_arrives_on_cuda_is_what_was_made(targets: Path, noise: tuple[float, ...]) -> None:
    params = AugmentationParams(crop=16, noise=noise)
    shards = ShardSet.open(targets / "shards")
    made = Batches(shards, SPACES["yuv"], params, GeometryParams(), size=4, seed=0)
    with batches_on(torch.device("cuda"), made.train, range(40)) as batches:
        for step, batch in enumerate(batches):
            torch.ones(2000, 2000, device="cuda") @ torch.ones(2000, 2000, device="cuda")
            expected = made.train(step)
            assert batch.input_N1HW.device.type == "cuda"
            assert torch.equal(batch.input_N1HW.cpu(), expected.input_N1HW)
            assert torch.equal(batch.targets.mask_Nhw.cpu(), expected.targets.mask_Nhw)
            found, index = batch.targets.index_NhwK, expected.targets.index_NhwK
            assert found is not None
            assert index is not None
            assert torch.equal(found.cpu(), index)
    assert not threads()


@on_cuda
@pytest.mark.parametrize("precision", ["float32", "tf32", "auto"])
def test_a_training_runs_on_cuda(
    targets: Path, tmp_path: Path, make_params: MakeParams, precision: str
) -> None:
    params = make_params(precision=precision)
    assert trained(targets, tmp_path, params, torch.device("cuda"))
    assert not threads()
