"""Section: from shards to the device, and whether training waits for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import harness
from benchmarks.gpu import inputs
from benchmarks.gpu.inputs import Task
from benchmarks.gpu.session import Findings, Session
from benchmarks.harness import Ratio
from huescape.color.spaces import space
from huescape.params.systems import AugmentationParams, GeometryParams
from huescape.training import devices
from huescape.training.batches import Batch, Batches
from huescape.training.prefetch import batches_on, map_tensors

_TARGET = 1.03
_AHEAD = "made ahead by a thread"
_RESIDENT = "the same steps on a batch that lies on the device"


def run(session: Session, found: Findings) -> None:
    """How fast do batches reach the device, and what does an epoch from shards cost more?"""
    sizes = ((inputs.small_task(session), 64, 48), (inputs.large_task(session), 32, 24))
    for task, size, steps in sizes:
        kind = "hard" if task.neighbors == 1 else "soft"
        name = f"{task.network}, {task.outputs} {kind} bins"
        with found.part(name), tempfile.TemporaryDirectory() as folder:
            size, steps = session.pick(size, 2), session.pick(steps, 3)
            shards = inputs.write_targets(Path(folder) / "shards", task, 8 * size)
            seen = AugmentationParams(), GeometryParams()
            batches = Batches(shards, space("lab"), *seen, size=size, seed=0)
            _transfer(session, found, f"{name}: ", batches, size, min(steps, 16))
            _epochs(session, found, f"{name}: ", task, batches, size, steps)
    found.notes.append(
        "loading: whole photos, flipped or not, from a page cache that holds them, in batches of "
        "64 and 32; an epoch is 48 and 24 of them"
    )


def _transfer(
    session: Session, found: Findings, name: str, batches: Batches, size: int, steps: int
) -> None:
    """Batches alone, without any training."""
    device = session.device

    def each(send: Callable[[Batch], object]) -> Callable[[], object]:
        def epoch() -> None:
            for step in range(steps):
                send(batches.train(step))
            session.wait()

        return epoch

    def ahead() -> None:
        with batches_on(device, batches.train, range(steps)) as arriving:
            for _ in arriving:
                pass
        session.wait()

    cases: dict[str, Callable[[], object]] = {
        "made, not sent": each(lambda batch: None),
        "sent from pageable memory": each(lambda batch: batch.to(device)),
    }
    if session.cuda:
        cases["sent from pinned memory, waiting"] = each(
            lambda batch: map_tensors(lambda x: x.pin_memory().to(device), batch)
        )
        cases["sent from pinned memory, not waiting"] = each(
            lambda batch: map_tensors(lambda x: x.pin_memory().to(device, non_blocking=True), batch)
        )
    cases[_AHEAD] = ahead
    seconds = session.measure(cases)
    for case, values in seconds.items():
        found.row(name + case, "photos/s", harness.rate(values, size * steps))


def _epochs(
    session: Session,
    found: Findings,
    name: str,
    task: Task,
    batches: Batches,
    size: int,
    steps: int,
) -> None:
    """Epochs of training by the three ways to come by a batch."""
    learner = task.learner(session.device, "bfloat16" if session.cuda else "float32")
    resident = batches.train(0).to(session.device)

    def in_turn() -> None:
        for step in range(steps):
            learner.step(batches.train(step).to(session.device), 0.0)
        session.wait()

    def ahead() -> None:
        with batches_on(session.device, batches.train, range(steps)) as arriving:
            for batch in arriving:
                learner.step(batch, 0.0)
        session.wait()

    def on_device() -> None:
        for _ in range(steps):
            learner.step(resident, 0.0)
        session.wait()

    with devices.arithmetic(session.device, "bfloat16"):
        seconds = session.measure({"in turn": in_turn, _AHEAD: ahead, _RESIDENT: on_device})
    for case, values in seconds.items():
        found.row(f"{name}epoch, {case}", "photos/s", harness.rate(values, size * steps))
    found.ratios += [
        Ratio(
            f"{name}epoch from shards, {_AHEAD} / {_RESIDENT}",
            harness.times_faster(seconds[_AHEAD], seconds[_RESIDENT]),
            _TARGET,
            at_least=False,
        ),
        Ratio(
            f"{name}epoch from shards, each batch in turn / {_AHEAD}",
            harness.times_faster(seconds["in turn"], seconds[_AHEAD]),
        ),
    ]
