"""Section: steps of cross entropy against steps of squared error."""

from __future__ import annotations

from benchmarks import harness
from benchmarks.gpu.inputs import Task
from benchmarks.gpu.session import Findings, Session
from benchmarks.harness import Ratio
from huescape.training import devices

_TARGET = 1.05


def run(session: Session, found: Findings) -> None:
    """What does a step of weighted cross entropy cost more than one of squared error?"""
    width, side = session.pick(32, 4), session.pick(256, 32)
    full = {"width": width}
    quarter = {"width": width, "pretrained": "none", "stride": 4}
    heads = {
        "head 64² x 313, soft": Task("mleu", 313, side, 5, options=quarter),
        "head 256² x 32, hard": Task("colorunet", 32, side, 1, options=full),
        "head 256² x 313, soft": Task("colorunet", 313, side, 5, options=full),
    }
    for name, task in heads.items():
        with found.part(name):
            _compare(session, found, name, task)
    found.notes.append(
        f"epochs: U-Nets of {width} channels (MLEU's, not pretrained, and ColorUNet), "
        f"batches of {_photos(session)} that lie on the device, bfloat16 autocast"
    )


def _photos(session: Session) -> int:
    return session.pick(16, 2)


def _compare(session: Session, found: Findings, name: str, task: Task) -> None:
    photos, precision = _photos(session), "bfloat16" if session.cuda else "float32"
    squared = Task(task.network, 2, task.side, 1, {"name": "l2"}, task.options)
    cases = {}
    for label, one in (("cross entropy", task), ("squared error", squared)):
        learner, batch = one.learner(session.device, precision), one.batch(photos, session.device)
        cases[label] = lambda learner=learner, batch=batch: learner.step(batch, 0.0)
    with devices.arithmetic(session.device, precision):
        seconds = session.measure(cases)
    for label, values in seconds.items():
        found.row(f"{name}: {label}", "photos/s", harness.rate(values, photos))
    value = harness.times_faster(seconds["cross entropy"], seconds["squared error"])
    found.ratios.append(
        Ratio(f"{name}: cross entropy / squared error", value, _TARGET, at_least=False)
    )
    session.free()
