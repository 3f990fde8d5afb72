"""The benchmark of the GPU: its own encoders are right, and nothing that fails or hangs is lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import checks, encoding, inputs, steps, torch_encoding
from benchmarks.gpu.session import Findings, OutOfTime, Session, time_limit
from benchmarks.harness import Spread
from huescape.color.bins import gamut_centers
from huescape.losses import Targets

CPU = torch.device("cpu")
SESSION = Session(CPU, quick=True)
CENTERS = gamut_centers("lab", 10.0)


def brute_force(ab: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """The five smallest distances and their weights, in float64."""
    distance = np.linalg.norm(ab[:, None].astype(np.float64) - CENTERS, axis=-1)
    nearest = np.sort(distance, axis=1)[:, :5]
    weight = np.exp((nearest[:, :1] ** 2 - nearest**2) / (2 * sigma**2))
    return nearest, weight / weight.sum(1, keepdims=True)


@pytest.mark.parametrize("sigma", [5.0, 12.0])
def test_both_encoders_find_the_five_nearest(sigma: float) -> None:
    """Everywhere: in the gamut, at its edge and beyond it, on bins and halfway between them."""
    grid = np.stack(np.meshgrid(np.arange(-120, 121, 5.0), np.arange(-120, 121, 5.0)), -1)
    ab = np.concatenate([encoding.colors(4000), grid.reshape(-1, 2)]).astype(np.float32)
    nearest, weight = brute_force(ab, sigma)
    table = torch_encoding.grid_table(CENTERS, 10.0, CPU)
    colors = torch.from_numpy(ab)
    for index, found in (
        torch_encoding.search(colors, table.centers_Q2, sigma),
        torch_encoding.arithmetic(colors, table, sigma),
    ):
        distance = np.linalg.norm(CENTERS[index.numpy()] - ab[:, None], axis=-1)
        np.testing.assert_allclose(distance, nearest, atol=1e-4)
        np.testing.assert_allclose(found.numpy(), weight, atol=1e-4)


def test_the_arithmetic_leaves_only_the_edge_open() -> None:
    table = torch_encoding.grid_table(CENTERS, 10.0, CPU)
    index, _ = torch_encoding.by_grid(torch.tensor([[3.0, 4.0], [500.0, 0.0]]), table, 5.0)
    assert (index < 0).any(1).tolist() == [False, True]
    near = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0)) * 18
    index, _ = torch_encoding.by_grid(near, table, 5.0)
    assert float((index < 0).any(1).float().mean()) < 0.02


def test_a_wrong_encoder_prints_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch_encoding.search

    def swapped(*given: object) -> torch_encoding.Encoded:
        index, weight = right(*given)  # type: ignore[arg-type]
        return index.roll(1, dims=0), weight

    cases = {"swapped": swapped, "right": right}

    def device_cases(session: Session, ab: np.ndarray, centers: np.ndarray) -> dict[str, object]:
        given = torch.from_numpy(ab), torch.as_tensor(centers, dtype=torch.float32), 5.0
        return {name: lambda run=run: run(*given) for name, run in cases.items()}

    monkeypatch.setattr(encoding, "device_cases", device_cases)
    found = Findings("?")
    encoding.run(SESSION, found)
    rates = [row.name for row in found.rows if row.unit == "Mpixel/s"]
    assert rates == ["right", "CPU, the project's"]
    assert any("swapped" in line for line in found.failures)


def test_dense_targets_are_the_sparse_ones() -> None:
    targets = inputs.random_targets(2, 4, 20, 2)
    assert targets.index_NhwK is not None
    assert targets.weight_NhwK is not None
    dense = steps.dense_targets(targets, 20)
    assert dense.shape == (2, 20, 4, 4)
    torch.testing.assert_close(dense.sum(1), torch.ones(2, 4, 4))
    at = dense[1, :, 2, 3][targets.index_NhwK[1, 2, 3]]
    torch.testing.assert_close(at, targets.weight_NhwK[1, 2, 3])


@pytest.mark.parametrize("neighbors", [1, 5])
def test_the_plain_loop_has_the_same_loss(neighbors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a ratio would compare two different jobs."""
    task = inputs.Task("colorunet", 32, 32, neighbors, options={"width": 4})
    batch = task.batch(2, CPU)
    own = task.learner(CPU, "float32").step(batch, 0.0)[0]
    seen: list[float] = []
    original = torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda self: (seen.append(self.item()), original(self))[1]
    )
    steps.plain_step(task, batch, CPU)()
    assert seen == [pytest.approx(float(own), rel=1e-4)]


@pytest.mark.parametrize(
    ("error", "passed"), [(0.5, True), (1.0, True), (1.1, False), (float("nan"), False)]
)
def test_a_check_passes_only_within_what_is_allowed(error: float, passed: bool) -> None:
    found = Findings("?")
    assert found.check("sums", error, 1.0) is passed
    assert bool(found.failures) is not passed
    assert ("passed" in found.rows[0].note) is passed


def test_errors_are_relative_and_infinite_where_a_value_is_none() -> None:
    expected = torch.tensor([4.0, -8.0])
    assert checks.relative_error(torch.tensor([4.0, -7.0]), expected) == pytest.approx(1 / 8)
    assert checks.relative_error(torch.tensor([4.0, float("nan")]), expected) == float("inf")
    assert checks.mean_error(expected * 1.5, expected) == pytest.approx(0.5)
    assert checks.mean_error(torch.zeros(2), expected) == pytest.approx(1.0)


def test_a_network_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    task = inputs.Task("colorunet", 8, 32, options={"width": 4})
    found = Findings("?")
    checks._check_network(SESSION, found, task, False)
    assert not found.failures
    original = inputs.Task.build

    def damaged(self: inputs.Task, device: torch.device | str) -> torch.nn.Module:
        network = original(self, device)
        if device == CPU:
            network.down1.conv1.weight.data.neg_()  # type: ignore[union-attr]
        return network

    monkeypatch.setattr(inputs.Task, "build", damaged)
    checks._check_network(SESSION, found, task, False)
    assert len(found.failures) == 3


def test_an_alarm_ends_what_swallows_exceptions() -> None:
    def stubborn() -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue

    with pytest.raises(OutOfTime), time_limit(0.05):
        stubborn()
    time.sleep(0.02)  # no alarm is left


def slow(session: Session, found: Findings) -> None:
    """Is it slow?"""
    found.row("first", "s", Spread.of([1.0]))
    time.sleep(60)


def broken(session: Session, found: Findings) -> None:
    """Is it broken?"""
    found.row("second", "s", Spread.of([2.0]))
    raise RuntimeError("illegal | access\nof memory")


def sound(session: Session, found: Findings) -> None:
    """Is it sound?"""
    found.row("third", "s", Spread.of([3.0]))
    with found.part("too large"):
        raise torch.OutOfMemoryError("tried to allocate")


def test_what_is_cut_short_or_raises_leaves_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = {"slow": (slow, 0.1), "broken": (broken, 0.4), "sound": (sound, 0.5)}
    monkeypatch.setattr(command, "SECTIONS", sections)
    path = tmp_path / "new" / "gpu.json"
    written: list[list[str]] = []
    original = command.write

    def watched(output: Path, *given: object) -> None:
        original(output, *given)  # type: ignore[arg-type]
        written.append(list(json.loads(output.read_text())["sections"]))

    monkeypatch.setattr(command, "write", watched)
    done = command.run_sections(SESSION, list(sections), 2.0, path)
    assert written == [["slow"], ["slow", "broken"], ["slow", "broken", "sound"]]
    recorded = json.loads(path.read_text())
    notes = {row["name"]: row["note"] for row in recorded["rows"]}
    assert list(notes)[::2] == ["first", "second", "third"]
    assert notes["slow: the rest"] == "no time left"
    assert notes["broken"] == "RuntimeError: illegal / access of memory"
    assert notes["too large"] == "out of memory"
    assert [len(found.failures) for found in done.values()] == [0, 1, 0]
    assert not list(path.parent.glob(".huescape-*"))


def test_a_machine_without_the_device_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert command.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failing_check_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(session: Session, found: Findings) -> None:
        """Does it fail?"""
        found.check("sums", 2.0, 1.0)

    monkeypatch.setattr(command, "SECTIONS", {"fails": (fails, 1.0)})
    monkeypatch.setattr("sys.argv", ["gpu", "--device", "cpu", "--quick"])
    assert command.main() == 1
    assert "sums: error 2, allowed 1" in capsys.readouterr().err


def test_targets_name_different_bins() -> None:
    targets: Targets = inputs.random_targets(2, 8, 32, 5)
    assert targets.index_NhwK is not None
    ordered = targets.index_NhwK.sort(-1).values
    assert bool((ordered.diff(dim=-1) > 0).all())
