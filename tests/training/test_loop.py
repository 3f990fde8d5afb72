"""Training: it learns, it is reproducible to the byte, and it stops before it goes wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from huescape.base.digests import file_xxh3, reseal
from huescape.base.errors import HuescapeError
from huescape.base.interrupts import Interrupted, StopRequest
from huescape.params.systems import SystemParams
from huescape.shards import ShardSet
from huescape.systems.system import System, build_system
from huescape.training import devices, starts
from huescape.training.batches import Batches
from huescape.training.checkpoints import Checkpoint, CheckpointFolder
from huescape.training.initialization import kmeans_initialize
from huescape.training.learners import SupervisedLearner
from huescape.training.loop import HistoryRow
from huescape.training.run import train

MakeParams = Callable[..., SystemParams]
CPU = torch.device("cpu")


def trained(
    folder: Path, checkpoints: Path, params: SystemParams, **options: object
) -> tuple[System, list[HistoryRow]]:
    shards = ShardSet.open(folder / "shards")
    system = build_system(params, shards.meta, np.load(folder / "bins.npz")["centers"], np.ones(4))
    weights = np.load(folder / "prior.npz")["weights"]
    history = train(
        system,
        shards,
        weights,
        device=CPU,
        checkpoint_dir=checkpoints,
        **options,  # type: ignore[arg-type]
    )
    return system, history


def weight_bytes(system: System) -> bytes:
    return b"".join(v.contiguous().numpy().tobytes() for v in system.network.state_dict().values())


def test_learns_eight_photos_by_heart(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    params = make_params(
        network={"name": "colorunet", "width": 8},
        augmentation={"flip": False},
        optimizer={"lr": 0.01, "milestones": (0.7,)},
        steps=150,
        batch=8,
        checkpoint_every=150,
    )
    system, history = trained(targets, tmp_path, params)
    assert history[0].loss > 1
    assert history[-1].loss < 0.05
    shards = ShardSet.open(targets / "shards")
    for split, least in (("train", 0.97), ("val", 0.85)):
        rows = shards.rows(split)
        lightness = system.space.uint8_to_lightness(shards.take("lightness", rows))[:, None]
        bins = system.predict(system.normalize(torch.from_numpy(lightness))).argmax(1).numpy()
        right = bins == shards.take("index", rows)[..., 0]
        assert right[:, :28].mean() > least, split


def test_two_runs_give_the_same_bytes(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    torch.manual_seed(1)
    first, history = trained(targets, tmp_path / "a", make_params())
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second, again = trained(targets, tmp_path / "b", make_params())
    assert weight_bytes(first) == weight_bytes(second)
    assert history == again
    assert torch.equal(torch.get_rng_state(), state)
    other, _ = trained(targets, tmp_path / "c", make_params(seed=1))
    assert weight_bytes(other) != weight_bytes(first)


PLAIN = {"lr": 0.01, "milestones": (0.5,)}
AVERAGED = {"name": "adamw", "lr": 0.01, "schedule": "cosine", "warmup": 0.1, "average": 0.7}
AVERAGED |= {"clip": 0.5, "weight_decay": 0.1, "decay": "matrices"}


@pytest.mark.parametrize("optimizer", [PLAIN, AVERAGED])
@pytest.mark.parametrize("kept", ["step-00000005.pt", "step-00000010.pt", "step-00000013.pt"])
def test_going_on_ends_with_the_same_bytes(
    targets: Path,
    tmp_path: Path,
    make_params: MakeParams,
    kept: str,
    optimizer: dict[str, object],
) -> None:
    params = make_params(checkpoint_every=5, steps=13, optimizer=optimizer)
    straight, history = trained(targets, tmp_path / "a", params)
    resumed = tmp_path / "b"
    if kept == "step-00000013.pt":  # stopped after the last step, before the weights were saved
        shutil.copytree(tmp_path / "a", resumed)
        again, rest = trained(targets, resumed, params)
        assert weight_bytes(again) == weight_bytes(straight)
        assert rest == history
        return
    with pytest.raises(ZeroDivisionError):  # stopped by force after the second checkpoint
        trained(targets, resumed, params, recorder=Bomb(at_step=10))
    assert sorted(path.name for path in resumed.iterdir()) == [
        "step-00000005.pt",
        "step-00000010.pt",
    ]
    for path in resumed.iterdir():
        if path.name > kept:
            path.unlink()
    again, rest = trained(targets, resumed, params)
    assert weight_bytes(again) == weight_bytes(straight)
    assert rest == history


def test_a_share_of_the_positions_learns_and_tells_a_mean(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    changes = {"lr": 0.01, "milestones": ()}
    every, some = (make_params(optimizer=changes, steps=40, positions=p) for p in (None, 0.25))
    (_, whole), (_, part) = (trained(targets, tmp_path / "c", p) for p in (every, some))
    assert part[0].loss == pytest.approx(whole[0].loss, rel=0.2)
    assert part[-1].loss < 0.9 * part[0].loss


def test_the_result_and_what_is_validated_are_the_averaged_weights(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    """Weights of each step, averaged by hand; the training itself is that without an average."""
    params = make_params(steps=8, checkpoint_every=2, optimizer=AVERAGED)
    plain = make_params(steps=8, checkpoint_every=2, optimizer={**AVERAGED, "average": None})
    losses = Losses(), Losses()
    averaged, history = trained(targets, tmp_path / "a", params, recorder=losses[0])
    last, same = trained(targets, tmp_path / "b", plain, recorder=losses[1])
    assert [replace(row, val_loss=0.0) for row in history] == [
        replace(row, val_loss=0.0) for row in same
    ]
    assert [row.val_loss for row in history[1::2]] == losses[0].seen
    assert losses[0].seen != losses[1].seen
    checkpoint = CheckpointFolder(tmp_path / "a").latest()
    assert checkpoint is not None
    values = checkpoint.learner["descent"]["average"]["values"]
    for name, own in checkpoint.learner["network"].items():
        assert torch.equal(own, last.network.state_dict()[name]), name
        if own.is_floating_point():
            assert torch.equal(averaged.network.state_dict()[name], values[name]), name
    assert weight_bytes(averaged) != weight_bytes(last)


class Losses:
    """The validation losses."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def metrics(self, step: int, values: dict[str, float]) -> None:
        self.seen += [values["val_loss"]] if "val_loss" in values else []

    def picture(self, name: str, step: int, rgb: object) -> None:
        """Nothing."""


def _renamed(state: dict[str, Any]) -> None:
    state["network"]["other"] = state["network"].pop(next(iter(state["network"])))


def _reshaped(state: dict[str, Any]) -> None:
    name = list(state["network"])[-1]
    state["network"][name] = state["network"][name].repeat(2)


def _without_optimizer(state: dict[str, Any]) -> None:
    del state["descent"]["optimizer"]


@pytest.mark.parametrize("spoil", [_renamed, _reshaped, _without_optimizer])
@pytest.mark.parametrize("all_of_them", [False, True])
def test_a_checkpoint_that_does_not_fit_is_dropped(
    targets: Path,
    tmp_path: Path,
    make_params: MakeParams,
    capfd: pytest.CaptureFixture[str],
    spoil: Callable[[dict[str, Any]], None],
    all_of_them: bool,
) -> None:
    """Whole files of another program: training goes on from the one before, or begins anew."""
    params = make_params(checkpoint_every=5, steps=13)
    straight, history = trained(targets, tmp_path / "a", params)
    folder = CheckpointFolder(tmp_path / "b")
    with pytest.raises(ZeroDivisionError):
        trained(targets, folder.folder, params, recorder=Bomb(at_step=10))
    kept: list[Checkpoint] = []
    while (checkpoint := folder.latest()) is not None:
        (folder.folder / f"step-{checkpoint.step:08d}.pt").unlink()
        kept.append(checkpoint)
    assert [checkpoint.step for checkpoint in kept] == [10, 5]
    for checkpoint in reversed(kept):
        if all_of_them or checkpoint.step == 10:
            spoil(checkpoint.learner)
        folder.save(checkpoint)
    again, rest = trained(targets, folder.folder, params)
    assert weight_bytes(again) == weight_bytes(straight)
    assert rest == history
    said = capfd.readouterr().err
    assert said.count(": dropped (") == (2 if all_of_them else 1)


class Bomb:
    """Ends the process' work in the middle, as a crash would."""

    def __init__(self, at_step: int) -> None:
        self.at_step = at_step

    def metrics(self, step: int, values: dict[str, float]) -> None:
        if step == self.at_step and "val_loss" in values:
            raise ZeroDivisionError

    def picture(self, name: str, step: int, rgb: np.ndarray) -> None:
        """Nothing."""


class Notes:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.numbers: list[tuple[int, dict[str, float]]] = []
        self.pictures: list[tuple[str, int, np.ndarray]] = []

    def metrics(self, step: int, values: dict[str, float]) -> None:
        self.numbers.append((step, values))

    def picture(self, name: str, step: int, rgb: np.ndarray) -> None:
        self.pictures.append((name, step, rgb))


def test_the_recorder_is_told_numbers_and_pictures(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    notes = Notes()
    _, history = trained(
        targets, tmp_path, make_params(steps=45, checkpoint_every=30), recorder=notes
    )
    losses = {step: values for step, values in notes.numbers if "loss" in values}
    assert sorted(losses) == [20, 30, 40, 45]
    assert set(losses[20]) == {"loss", "lr", "grad_norm", "images_per_second"}
    assert losses[20]["loss"] == pytest.approx(np.mean([row.loss for row in history[:20]]))
    assert (losses[20]["lr"], losses[40]["lr"]) == (0.01, pytest.approx(0.001))
    told = {step: values["val_loss"] for step, values in notes.numbers if "val_loss" in values}
    assert sorted(told) == [30, 45]
    assert {row.step: row.val_loss for row in history if row.val_loss is not None} == told
    assert {(name, step) for name, step, _ in notes.pictures} == {
        (f"val-{k}", step) for k in (0, 1) for step in (30, 45)
    }
    assert all(rgb.shape == (28, 64, 3) and rgb.dtype == np.uint8 for *_, rgb in notes.pictures)


def test_watching_changes_nothing(targets: Path, tmp_path: Path, make_params: MakeParams) -> None:
    alone, _ = trained(targets, tmp_path / "a", make_params(checkpoint_every=100))
    watched, _ = trained(targets, tmp_path / "b", make_params(checkpoint_every=2), recorder=Notes())
    assert weight_bytes(alone) == weight_bytes(watched)


def test_nan_names_the_step_and_keeps_the_last_good_checkpoint(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    """A rate of 1e38 from step 9 on makes the loss of step 10 infinite."""
    params = make_params(
        steps=16,
        checkpoint_every=4,
        optimizer={"name": "sgd", "lr": 1e-3, "milestones": (0.5,), "gamma": 1.0},
    )
    huge = params.model_copy(
        update={"optimizer": params.optimizer.model_copy(update={"gamma": 1e38})}
    )
    with pytest.raises(HuescapeError, match=r"stopped at step 10: loss (nan|inf)") as caught:
        trained(targets, tmp_path, huge)
    assert "step 8 is kept" in str(caught.value)
    latest = CheckpointFolder(tmp_path).latest()
    assert latest is not None
    assert latest.step == 8
    assert all(torch.isfinite(v).all() for v in latest.learner["network"].values())


def test_weights_that_an_update_spoils_are_not_saved(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    """The loss of step 9 is a number, its rate of infinity is not; it is a checkpoint's step."""
    params = make_params(
        steps=18,
        checkpoint_every=3,
        optimizer={"name": "sgd", "lr": 1e-3, "milestones": (0.44,), "gamma": 1.0},
    )
    huge = params.model_copy(
        update={"optimizer": params.optimizer.model_copy(update={"gamma": 1e60})}
    )
    with pytest.raises(HuescapeError, match=r"stopped at step 9: loss \d.* not finite") as caught:
        trained(targets, tmp_path, huge)
    assert "step 6 is kept" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-00000003.pt",
        "step-00000006.pt",
    ]


@pytest.mark.parametrize("looks", [0, 19, 20, 21])
def test_a_stop_at_any_moment_saves_what_it_says(
    targets: Path,
    tmp_path: Path,
    make_params: MakeParams,
    monkeypatch: pytest.MonkeyPatch,
    looks: int,
) -> None:
    """The signal may arrive between any two looks for it, at a step that is read out too."""
    answers = iter([False] * looks)
    monkeypatch.setattr(StopRequest, "__bool__", lambda self: next(answers, True))
    with pytest.raises(Interrupted, match=r"interrupted after step \d+ of 60") as caught:
        trained(targets, tmp_path, make_params(steps=60, checkpoint_every=50))
    latest = CheckpointFolder(tmp_path).latest()
    assert latest is not None
    assert f"after step {latest.step} of" in str(caught.value)


def test_padding_has_no_influence(
    make_targets: Callable[..., Path], tmp_path: Path, make_params: MakeParams, targets: Path
) -> None:
    """Other bins under the padding give the same weights."""
    folder = make_targets(tmp_path / "other")
    listed = folder / "shards" / "index.json"
    described = json.loads(listed.read_text())
    for shard in described["shards"]:
        path = folder / "shards" / f"{shard['name']}.index.npy"
        index = np.load(path)
        index[:, 28:] = 3 - index[:, 28:]
        np.save(path, index)
        shard["xxh3"]["index"] = file_xxh3(path)
    listed.write_text(json.dumps(described))
    reseal(listed)
    first, _ = trained(targets, tmp_path / "a", make_params())
    second, _ = trained(folder, tmp_path / "b", make_params())
    assert weight_bytes(first) == weight_bytes(second)


def test_weights_of_the_classes_matter_only_when_asked(
    targets: Path, tmp_path: Path, make_params: MakeParams
) -> None:
    shards = ShardSet.open(targets / "shards")
    found = []
    for weighted in (True, False):
        params = make_params(loss={"name": "cross_entropy", "weighted": weighted}, steps=2)
        for k, weights in enumerate((np.ones(4), np.array([3.0, 0.5, 0.2, 0.3]))):
            system = build_system(
                params, shards.meta, np.load(targets / "bins.npz")["centers"], np.ones(4)
            )
            folder = tmp_path / f"{weighted}{k}"
            train(system, shards, weights, device=CPU, checkpoint_dir=folder)
            found.append(weight_bytes(system))
    assert found[0] != found[1]
    assert found[0] == found[2] == found[3]


def test_targets_of_another_stride_are_refused(
    make_targets: Callable[..., Path], tmp_path: Path, make_params: MakeParams
) -> None:
    folder = make_targets(tmp_path / "strided", stride=4)
    with pytest.raises(HuescapeError, match=r"stride 4.*stride 1"):
        trained(folder, tmp_path / "c", make_params())


KMEANS = {"method": "kmeans", "photos": 4}


def initial_weights(
    folder: Path, checkpoints: Path, params: SystemParams, monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """The weights before the first step."""
    seen: list[bytes] = []
    original = SupervisedLearner.step

    def first(self: SupervisedLearner, *given: Any) -> torch.Tensor:
        state = self.network.state_dict().values()
        seen.append(b"".join(v.contiguous().numpy().tobytes() for v in state))
        return original(self, *given)

    monkeypatch.setattr(SupervisedLearner, "step", first)
    trained(folder, checkpoints, params)
    monkeypatch.setattr(SupervisedLearner, "step", original)
    return seen[0]


def test_photos_initialize_where_that_is_asked_for(
    targets: Path, tmp_path: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(name: str, **changes: object) -> bytes:
        params = make_params(steps=1, **changes)
        return initial_weights(targets, tmp_path / name, params, monkeypatch)

    plain, kmeans = start("a"), start("b", initialization=KMEANS)
    assert plain != kmeans
    assert start("c", initialization=KMEANS) == kmeans
    assert start("d", initialization={**KMEANS, "photos": 8}) != kmeans
    # The first photos are those of the seed; what is done to them in training does not matter.
    assert start("e", initialization=KMEANS, augmentation={"flip": False}) == kmeans
    shards = ShardSet.open(targets / "shards")
    params = make_params(initialization=KMEANS)
    fresh = build_system(params, shards.meta, np.load(targets / "bins.npz")["centers"], np.ones(4))
    assert weight_bytes(fresh) == plain
    seen = params.augmentation, params.geometry
    first = Batches(shards, fresh.space, *seen, size=4, seed=0).first(4)
    with devices.reproducible(CPU):  # as a training is, with as many threads
        kmeans_initialize(fresh.network, first.to(CPU).input_N1HW, 0)
    assert weight_bytes(fresh) == kmeans


def test_going_on_does_not_initialize_again(
    targets: Path, tmp_path: Path, make_params: MakeParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_params(initialization=KMEANS, steps=8, checkpoint_every=4)
    straight, history = trained(targets, tmp_path / "a", params)
    with pytest.raises(ZeroDivisionError):
        trained(targets, tmp_path / "b", params, recorder=Bomb(at_step=4))
    calls: list[int] = []
    original = starts.kmeans_initialize
    monkeypatch.setattr(starts, "kmeans_initialize", lambda *a: calls.append(1) or original(*a))
    resumed, rest = trained(targets, tmp_path / "b", params)
    assert not calls
    assert weight_bytes(resumed) == weight_bytes(straight)
    assert rest == history
    trained(targets, tmp_path / "c", params)
    assert calls == [1]
