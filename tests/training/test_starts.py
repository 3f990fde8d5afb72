"""A training that starts from another system's weights, and weights that are scored as they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from huescape import networks
from huescape.base.digests import seal
from huescape.base.errors import HuescapeError
from huescape.networks import Network
from huescape.params.decodings import ANNEALED
from huescape.params.systems import SystemParams
from huescape.stages import train
from huescape.systems.system import load_system
from huescape.systems.transfer import take_over
from tests.training.conftest import CENTERS

MakeParams = Callable[..., SystemParams]
FROM_FIRST = {"method": "system", "from": "first"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for `models/`, which is where a start is looked for."""
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(data: Path, name: str, params: SystemParams) -> dict[str, float]:
    paths = data / "shards", data / "prior.npz", data / "bins.npz"
    return train.run(*paths, Path("models") / name, params, name=name)


def weights(name: str) -> dict[str, Tensor]:
    return load_system(Path("models") / name).network.state_dict()


def key(data: Path, params: SystemParams) -> str:
    return train.resume_key(data / "shards", data / "prior.npz", data / "bins.npz", params)


def test_without_a_step_the_weights_are_those_of_the_other_system(
    targets: Path, make_params: MakeParams
) -> None:
    run(targets, "first", make_params())
    metrics = run(targets, "same", make_params(initialization=FROM_FIRST, steps=0, seed=3))
    first, same = weights("first"), weights("same")
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert metrics == {"steps": 0, "parameters": metrics["parameters"]}
    description = json.loads(Path("models/same/system.json").read_text())
    assert (description["steps"], description["loss"]) == (0, None)
    assert description["params"]["initialization"]["from"] == "first"
    history = Path("models/same/history.csv").read_text()
    assert history.strip() == "step,loss,lr,grad_norm,val_loss"
    run(targets, "on", make_params(initialization=FROM_FIRST, steps=2))
    assert not all(torch.equal(first[name], value) for name, value in weights("on").items())


def test_a_head_of_another_kind_keeps_its_own_weights() -> None:
    torch.manual_seed(0)
    bins, chroma = (networks.build("zhang2016", {"width": 2}, outputs) for outputs in (7, 2))
    before = {name: value.clone() for name, value in chroma.state_dict().items()}
    take_over(chroma, bins.state_dict(), "bins")
    for name, value in chroma.state_dict().items():
        is_head = name.startswith("head.")
        assert torch.equal(value, before[name] if is_head else bins.state_dict()[name]), name


@pytest.mark.parametrize("change", ["centers", "space"])
def test_a_head_of_other_bins_is_left_fresh(
    targets: Path, make_params: MakeParams, tmp_path: Path, change: str
) -> None:
    """As many of them, but not the same colors: what was learned of them is of no use."""
    run(targets, "first", make_params())
    data = tmp_path / "data"
    shutil.copytree(targets, data)
    if change == "centers":
        np.savez(data / "bins.npz", centers=CENTERS + 0.01, counts=np.ones(4, np.int64))
    else:
        index = data / "shards" / "index.json"
        index.write_text(index.read_text().replace('"yuv"', '"lab"'))
        seal(data / "shards")
    run(data, "other", make_params(initialization=FROM_FIRST, steps=0))
    first, other = weights("first"), weights("other")
    differing = {name for name in first if not torch.equal(first[name], other[name])}
    assert differing == {"head.weight", "head.bias"}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (networks.build("zhang2016", {"width": 3}, 7), r"\[3, 3, 3, 3\] there and \[2, 2, 3, 3\]"),
        (networks.build("flat", {"width": 2}, 7), "missing there|missing in|in the network"),
    ],
)
def test_another_network_is_refused_and_changes_nothing(other: Network, words: str) -> None:
    network = networks.build("zhang2016", {"width": 2}, 7)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(HuescapeError, match=rf"models/x: does not fit: .*({words})") as caught:
        take_over(network, other.state_dict(), "models/x")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_system_that_is_not_trained_is_one_line(targets: Path, make_params: MakeParams) -> None:
    with pytest.raises(HuescapeError, match=r"^models/first: .* not trained yet; .*train@first"):
        run(targets, "later", make_params(initialization=FROM_FIRST))
    assert not Path("models/later").exists()


def test_an_interrupted_training_goes_on_from_the_same_weights_alone(
    targets: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    params = make_params(initialization=FROM_FIRST)
    run(targets, "first", make_params())
    before = key(targets, params)
    shutil.rmtree("models/first")
    run(targets, "first", make_params(seed=1))
    assert key(targets, params) != before
    released = {"method": "released", "file": str(tmp_path / "a.pth")}
    keys = set()
    for content in (b"a", b"b"):
        (tmp_path / "a.pth").write_bytes(content)
        keys.add(key(targets, make_params(initialization=released)))
    assert len(keys) == 2


def test_released_weights_that_cannot_be_read_are_one_line(
    targets: Path, make_params: MakeParams, tmp_path: Path
) -> None:
    file = tmp_path / "a.pth"
    params = make_params(initialization={"method": "released", "file": str(file)}, steps=0)
    with pytest.raises(HuescapeError, match=r"a\.pth: cannot be read"):
        run(targets, "later", params)
    file.write_bytes(b"no weights")
    with pytest.raises(HuescapeError, match="no released weights of this network are known"):
        run(targets, "later", params)
    assert not Path("models/later").exists()


def test_scores_of_a_model_without_a_step_can_be_read(
    targets: Path, make_params: MakeParams
) -> None:
    """Its empty history is no damage: neither to the page nor to the records of a run."""
    from huescape.figures.learning import draw
    from huescape.reporting.inputs import _read_numbers
    from huescape.tracking.records import history

    run(targets, "first", make_params())
    run(targets, "same", make_params(initialization=FROM_FIRST, steps=0))
    folder = Path("models/same")
    assert history(folder) == []
    found = _read_numbers(folder / "history.csv", "train@same", ("step", "loss"))
    assert not draw(folder / "curve.png", found)
    system = load_system(folder)
    lightness = torch.from_numpy(np.full((1, 1, 16, 16), 0.5, np.float32))
    assert system.predict_chroma(lightness, ANNEALED).isfinite().all()
