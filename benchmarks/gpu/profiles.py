"""Section: which operations of the device a training step consists of."""

from __future__ import annotations

from typing import Any

from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu import inputs
from benchmarks.gpu.session import Findings, Session
from benchmarks.gpu.steps import learner_step
from benchmarks.harness import Spread

_OPERATIONS, _STEPS = 12, 3


def run(session: Session, found: Findings) -> None:
    """Where does the time of a bfloat16 step go on the device?"""
    tasks = ((inputs.small_task(session), 64), (inputs.large_task(session), 32))
    for task, photos in tasks:
        with found.part(f"profile of {task.network}"):
            batch = task.batch(session.pick(photos, 2), session.device)
            step = learner_step(task, batch, session.device, "bfloat16", False)
            rows = profiled(session, step)
            found.facts[task.network] = rows
            for row in rows[:3]:
                found.row(
                    f"profile of {task.network}: `{row['operation'][:60]}`",
                    "% of a step",
                    Spread.of([100 * row["share"]]),
                    f"{row['calls']} calls",
                )
        session.free()
    found.notes.append(
        f"profile: the {_OPERATIONS} operations of each network with the most time of the device "
        "stand in the JSON file"
    )


def profiled(session: Session, step: Any) -> list[dict[str, Any]]:
    """Operations by their own time on the device: name, microseconds and calls a step, share."""
    for _ in range(3):
        step()
    session.wait()
    activities = [ProfilerActivity.CPU]
    if session.cuda:
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as recorded:
        for _ in range(_STEPS):
            step()
        session.wait()
    found = []
    for event in recorded.key_averages():
        microseconds = _own_time(event, session.cuda)
        # Kernels themselves: the operations of the host that started them have the same time.
        if microseconds and (not session.cuda or _is_kernel(event)):
            found.append((microseconds, event))
    found.sort(key=lambda pair: -pair[0])
    total = sum(time for time, _ in found) or 1.0
    return [
        {
            "operation": event.key,
            "microseconds": time / _STEPS,
            "calls": event.count / _STEPS,
            "share": time / total,
        }
        for time, event in found[:_OPERATIONS]
    ]


def _is_kernel(event: Any) -> bool:
    """Not an operation of the host, to which the time of its kernels is counted once more."""
    if getattr(event, "is_user_annotation", False):
        return False
    return str(getattr(event, "device_type", "")).rsplit(".", 1)[-1] != "CPU"


def _own_time(event: Any, cuda: bool) -> float:
    """Microseconds; torch has renamed the attribute."""
    names = ("self_device_time_total", "self_cuda_time_total") if cuda else ("self_cpu_time_total",)
    return float(next((getattr(event, name) for name in names if hasattr(event, name)), 0.0))
