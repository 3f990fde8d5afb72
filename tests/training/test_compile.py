"""A compiled training learns the same as a plain one, and is stored as a plain one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from huescape.base.errors import ParamsError
from huescape.base.interrupts import Interrupted, StopRequest
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides, SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import System, build_system
from huescape.training import learners, run
from huescape.training.batches import Batches
from huescape.training.loop import HistoryRow
from huescape.training.run import build_learner, loss_of, train

MakeParams = Callable[..., SystemParams]
CPU = torch.device("cpu")
# Three layers, which are compiled in seconds.
FLAT = {"network": {"name": "flat", "width": 4}, "optimizer": {"name": "sgd", "lr": 0.1}}


@pytest.fixture(scope="module")
def compiler() -> None:
    """Skip where nothing can be compiled."""
    try:
        learners.compiled(torch.nn.Identity(), CPU)
    except ParamsError as error:
        pytest.skip(str(error))


def prepared(folder: Path, params: SystemParams) -> tuple[System, ShardSet]:
    shards = ShardSet.open(folder / "shards")
    return build_system(
        params, shards.meta, np.load(folder / "bins.npz")["centers"], np.ones(4)
    ), shards


def trained(
    folder: Path, checkpoints: Path, params: SystemParams
) -> tuple[System, list[HistoryRow]]:
    system, shards = prepared(folder, params)
    history = train(system, shards, np.ones(4), device=CPU, checkpoint_dir=checkpoints)
    return system, history


def weight_bytes(system: System) -> bytes:
    return b"".join(v.contiguous().numpy().tobytes() for v in system.network.state_dict().values())


@pytest.mark.usefixtures("compiler")
def test_the_compiler_is_deterministic_as_long_as_torch_is() -> None:
    """Also where it is loaded only after torch was told."""
    code = (
        "import torch\nfrom huescape.training import devices, learners\n"
        "with devices.reproducible(torch.device('cpu')):\n"
        "    learners.compiled(torch.nn.Identity(), torch.device('cpu'))\n"
        "    print(torch._inductor.config.deterministic)\n"
        "print(torch._inductor.config.deterministic)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.usefixtures("compiler")
def test_compiled_steps_learn_the_same(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    """By SGD: Adam's first updates are as large for a gradient that is nothing but rounding."""
    params = make_params(**FLAT, steps=4)
    untrained = prepared(targets, params)[0]
    plain, expected = trained(targets, tmp_path / "a", params)
    compiled, history = trained(targets, tmp_path / "b", make_params(**FLAT, steps=4, compile=True))
    assert [row.loss for row in history] == pytest.approx([row.loss for row in expected], rel=1e-5)
    before, after = untrained.network.state_dict(), compiled.network.state_dict()
    for name, weights in plain.network.state_dict().items():
        torch.testing.assert_close(after[name], weights, rtol=1e-4, atol=1e-5)
        assert not torch.equal(after[name], before[name])
    assert list(after) == list(before)


@pytest.mark.usefixtures("compiler")
def test_a_compiled_run_goes_on_with_the_same_bytes(
    targets: Path, tmp_path: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_params(**FLAT, steps=6, checkpoint_every=6, compile=True)
    straight, history = trained(targets, tmp_path / "a", params)
    with monkeypatch.context() as patch:
        answers = iter([False] * 2)
        patch.setattr(StopRequest, "__bool__", lambda self: next(answers, True))
        with pytest.raises(Interrupted, match="after step 3 of 6"):
            trained(targets, tmp_path / "b", params)
    resumed, rest = trained(targets, tmp_path / "b", params)
    assert weight_bytes(resumed) == weight_bytes(straight)
    assert rest == history


def test_only_steps_run_the_compiled_code(
    targets: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []

    class Watched(torch.nn.Module):
        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_N1HW: torch.Tensor) -> torch.Tensor:
            calls.append(self.network.training)
            return self.network(input_N1HW)

    monkeypatch.setattr(run, "compiled", lambda network, _: Watched(network))
    system, shards = prepared(targets, make_params(compile=True))
    loss = loss_of(system, np.ones(4))
    learner = build_learner(system.network, loss, system.params, CPU)
    seen = system.params.augmentation, system.params.geometry
    batch = Batches(shards, system.space, *seen, size=2, seed=0).train(0)
    learner.step(batch, 0.0)
    assert calls == [True]
    system.network.eval()
    learner.validation_loss(batch)
    system.predict(batch.input_N1HW)
    assert calls == [True]
    assert not any("network.network" in name for name in learner.state_dict()["network"])


def test_without_a_compiler_one_line_says_so_before_training(
    targets: Path, tmp_path: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._dynamo.exc import BackendCompilerFailed
    from torch._inductor.exc import InvalidCxxCompiler

    def missing(device: torch.device) -> None:
        raise BackendCompilerFailed(None, InvalidCxxCompiler(), None)

    monkeypatch.setattr(learners, "_try_out", missing)
    with pytest.raises(
        ParamsError, match=r"compile is true.*on cpu here; allowed: false"
    ) as caught:
        trained(targets, tmp_path, make_params(compile=True))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_compiled_is_one_line_too() -> None:
    def refuses(graph: object, inputs: object) -> object:
        raise RuntimeError("no kernel\nfor this")

    torch.compiler.reset()
    said = r"torch\.compile does not work.*no kernel"
    with pytest.raises(ParamsError, match=said), learners.explained(CPU):
        torch.compile(torch.nn.ReLU(), backend=refuses)(torch.ones(2))


@pytest.mark.parametrize("name", ["zhang2016", "colorunet", "mleu_regression"])
def test_a_preset_can_be_compiled(name: str) -> None:
    overrides = SystemOverrides(preset=name, quantizer="any", compile=True)
    assert resolve_system("one", overrides).compile
    assert not resolve_system("one", SystemOverrides(preset=name, quantizer="any")).compile
