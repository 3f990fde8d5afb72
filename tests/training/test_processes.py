"""Many processes train what one does: under torchrun, on the CPU, from the same batches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from huescape.params.systems import SystemParams

MANY = Path(__file__).with_name("many.py")
Found = dict[str, npt.NDArray[Any]]

# Of steps that are no larger than the gradient: Adam makes whole steps of what is nothing but
# rounding, as the gradient of a bias before a batch norm is.
SGD: dict[str, Any] = {"name": "sgd", "lr": 0.02, "milestones": (0.5,), "clip": 0.5}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "averaged": {"optimizer": {**SGD, "average": 0.7}},
    "photo": {"loss": {"name": "cross_entropy", "reduction": "photo"}, "positions": 0.5},
    "focal": {"loss": {"name": "focal"}},
    "adversarial": {
        "preset": "chromagan",
        "network": {"name": "chromagan", "width": 2, "classes": 6},
        "loss": {"name": "chromagan", "class_share": 0.5, "adversarial_share": 0.7},
    },
    "block": {"loss": {"name": "block", "side": 4}},
}


@pytest.fixture(scope="module")
def params(make_params: Callable[..., SystemParams]) -> dict[str, dict[str, Any]]:
    # Noise in every photo: the largest of four equal numbers is a matter of rounding.
    augmentation = {"crop": 16, "noise": (0.02, 0.03)}
    common: dict[str, Any] = {"optimizer": SGD, "batch": 6, "steps": 6, "checkpoint_every": 4}
    common["augmentation"] = augmentation
    return {
        name: make_params(**{**common, **case}).model_dump(mode="json")
        for name, case in CASES.items()
    }


def trained(
    processes: int, targets: Path, out: Path, cases: dict[str, dict[str, Any]]
) -> Callable[[str, int], Found]:
    """Train each case in `processes` processes; gives what one of them found of one case."""
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(start if processes > 1 else []), str(MANY)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HUESCAPE_THREADS": "1"}
    done = subprocess.run(
        [*command, str(targets), str(out), json.dumps(cases)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return lambda case, rank: dict(np.load(out / case / f"{rank}.npz"))


@pytest.fixture(scope="module")
def one(
    targets: Path, tmp_path_factory: pytest.TempPathFactory, params: dict[str, dict[str, Any]]
) -> Callable[[str, int], Found]:
    """What one process finds of each case."""
    return trained(1, targets, tmp_path_factory.mktemp("one"), params)


def difference(found: Found, expected: Found) -> float:
    """The largest one of any weight, and of any loss as a share of it."""
    assert found.keys() == expected.keys()
    of_losses = np.abs(found["losses"] / expected["losses"] - 1).max()
    weights = {name: x for name, x in expected.items() if name != "losses"}
    return float(max(of_losses, *(np.abs(found[name] - x).max() for name, x in weights.items())))


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 4])
def test_many_processes_train_what_one_does(
    targets: Path,
    tmp_path: Path,
    params: dict[str, dict[str, Any]],
    one: Callable[[str, int], Found],
    processes: int,
) -> None:
    """In four, two have one photo of six and two have two; every process has the same weights."""
    many = trained(processes, targets, tmp_path / "many", {**params, "again": params["plain"]})
    for case in params:
        assert difference(many(case, 0), one(case, 0)) < 1e-5, case
        for rank in range(1, processes):
            assert difference(many(case, rank), many(case, 0)) == 0, case
    assert difference(many("again", 0), many("plain", 0)) == 0


@pytest.mark.long
def test_goes_on_in_another_number_of_processes(
    targets: Path,
    tmp_path: Path,
    params: dict[str, dict[str, Any]],
    one: Callable[[str, int], Found],
) -> None:
    """Stopped in the midst of an epoch by a signal to one of two; finished by three, and by one."""
    case = {"averaged": params["averaged"]}
    straight = one("averaged", 0)
    stopped = tmp_path / "stopped"
    trained(2, targets, stopped, {"averaged-stopped": case["averaged"]})
    for rank in (0, 1):
        said = (stopped / "averaged-stopped" / f"said-{rank}.txt").read_text()
        assert said.startswith("interrupted after step 5 of 6;")
    kept = stopped / "checkpoints" / "averaged"
    assert [path.name for path in sorted(kept.iterdir())][-1] == "step-00000005.pt"
    for processes in (3, 1):
        place = tmp_path / str(processes)
        shutil.copytree(kept, place / "checkpoints" / "averaged")
        found = trained(processes, targets, place, case)("averaged", 0)
        assert difference(found, straight) < 1e-5


@pytest.mark.long
def test_what_many_processes_cannot_do_is_refused(
    targets: Path, tmp_path: Path, make_params: Callable[..., SystemParams]
) -> None:
    few, compiled = make_params(batch=1), make_params(compile=True)
    cases = {"few": few.model_dump(mode="json"), "compiled": compiled.model_dump(mode="json")}
    trained(2, targets, tmp_path, cases)
    for case, said in (
        ("few", "systems.<name>.batch is 1; allowed with 2 processes: 2 or more"),
        ("compiled", "systems.<name>.compile is true; allowed with 2 processes: false"),
    ):
        assert (tmp_path / case / "said-0.txt").read_text() == said
        assert (tmp_path / case / "said-1.txt").read_text() == said
