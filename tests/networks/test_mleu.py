"""MLEU: its size, its shapes, its frozen part, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape import networks
from huescape.base.errors import ParamsError
from huescape.color.bins import gamut_centers
from huescape.color.encoding import nearest_bin
from huescape.color.spaces import rgb_to_lab
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.networks.mleu import Mleu

FEATURES = {
    "none": {2: 0, 4: 0, 8: 0, 16: 0, 32: 0},
    "efficientnet_lite0": {2: 16, 4: 24, 8: 40, 16: 112, 32: 320},
    "vgg16": {2: 128, 4: 256, 8: 512, 16: 512, 32: 512},
}


def _trained(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _expected(outputs: int, w: int, pretrained: str, stride: int) -> int:
    """Trained parameters by the table in the module's docstring."""

    def block(before: int, between: int, after: int) -> int:
        return 9 * before * between + 9 * between * after + 2 * between + 2 * after

    extra = [0, *FEATURES[pretrained].values()]
    levels = [0, w, 2 * w, 4 * w, 8 * w, 8 * w]
    total = 2 * sum(extra) + block(1, w, w)
    for k in range(2, 6):
        total += block(levels[k - 1] + extra[k - 1], levels[k], levels[k])
    below = levels[5] + extra[5]
    for k in range(5, {1: 0, 2: 1, 4: 2}[stride], -1):
        after = levels[max(k - 1, 1)]
        total += block(below + levels[k], after, after)
        below = after
    return total + below * outputs + outputs


@pytest.mark.parametrize("pretrained", sorted(FEATURES))
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("width", [1, 6, 32])
def test_parameter_count_follows_from_the_table(pretrained: str, stride: int, width: int) -> None:
    with torch.device("meta"):
        network = Mleu(313, width, pretrained, stride=stride)  # type: ignore[arg-type]
    assert all(p.is_meta for p in network.parameters())
    assert _trained(network) == _expected(313, width, pretrained, stride)


def test_published_size_in_numbers() -> None:
    with torch.device("meta"):
        joined, plain = Mleu(313), Mleu(313, pretrained="none")
        published = Mleu(313, pretrained="vgg16")
    assert (_trained(joined), _trained(plain)) == (6_255_865, 5_130_489)
    assert _trained(published) == 9_041_913
    assert (joined.pretrained, plain.pretrained) == ("efficientnet_lite0", None)
    frozen = sum(p.numel() for p in joined.parameters()) - _trained(joined)
    assert frozen == 2_958_848 < 4_652_008  # Lite0 without its head


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("pretrained", sorted(FEATURES))
def test_shapes(stride: int, pretrained: str) -> None:
    network = networks.build("mleu", {"width": 2, "stride": stride, "pretrained": pretrained}, 5)
    size = (64, 96)
    assert all(side % network.multiple == 0 for side in size)
    assert network.stride == stride
    output = network(torch.randn(2, 1, *size))
    assert output.shape == (2, 5, size[0] // stride, size[1] // stride)


def reference(network: Mleu, gray: Tensor) -> Tensor:
    """Logits by the published figure once more, from the weights in order, in evaluation."""
    features = network.encoder(gray) if network.encoder else {}
    modules = [m for m in network.modules() if not isinstance(m, nn.Sequential | nn.ModuleDict)]
    before = {id(m) for m in network.encoder.modules()} if network.encoder else set()
    own = [m for m in modules if id(m) not in before]
    convs = [m for m in own if isinstance(m, nn.Conv2d)]
    feature_norms = iter(network.norms.values())
    norms = [m for m in own if isinstance(m, nn.BatchNorm2d)]
    norms = iter([m for m in norms if all(m is not n for n in network.norms.values())])
    # The encoder's first convolutions come before its convolutions of stride 2 in the network.
    first, halving, decoder = convs[:5], convs[5:10], convs[10:]
    first_norms, halving_norms = ([next(norms) for _ in range(5)] for _ in range(2))

    def normed(x: Tensor, norm: nn.Module) -> Tensor:
        mean, var, scale, shift = (
            v[:, None, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    x, skips = gray + 0.5, []
    for k in range(5):
        x = normed(F.conv2d(x, first[k].weight, padding=1), first_norms[k]).clamp(min=0)
        skips.append(x)
        x = F.conv2d(x, halving[k].weight, padding=1)[..., ::2, ::2]
        x = normed(x, halving_norms[k]).clamp(min=0)
        if features:
            x = torch.cat([x, normed(features[2 ** (k + 1)], next(feature_norms))], 1)
    while decoder[1:]:
        x = torch.cat([torch.kron(x, torch.ones(2, 2, dtype=x.dtype)), skips.pop()], 1)
        for conv in (decoder.pop(0), decoder.pop(0)):
            x = normed(F.conv2d(x, conv.weight, padding=1), next(norms)).clamp(min=0)
    return F.conv2d(x, decoder[0].weight, decoder[0].bias)


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("pretrained", ["none", "vgg16"])
def test_agrees_with_an_independent_reading_of_the_table(pretrained: str, stride: int) -> None:
    torch.manual_seed(0)
    network = Mleu(5, 2, pretrained, stride=stride).double().eval()  # type: ignore[arg-type]
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
    gray = torch.rand(2, 1, 64, 96, dtype=torch.float64) - 0.5
    with torch.no_grad():
        found, expected = network(gray), reference(network, gray)
    assert found.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("activation", "lowest"), [("tanh", -1), ("tanh01", -3)])
def test_tanh_keeps_chroma_in_range(activation: str, lowest: int) -> None:
    torch.manual_seed(0)
    options = {"width": 2, "pretrained": "none", "activation": activation}
    network = networks.build("mleu", options, 2)
    fresh = network(torch.randn(2, 1, 32, 32))
    assert fresh.abs().mean() < 0.2  # about gray
    with torch.no_grad():
        network.head.weight.mul_(1000)
    output = network(torch.randn(2, 1, 32, 32))
    assert lowest <= output.min() < lowest + 0.1
    assert 0.9 < output.max() <= 1


def test_tanh01_is_a_tanh_of_chroma_from_0_to_1() -> None:
    """The same weights, read as chroma in [0, 1] and then brought to -1 to 1."""
    torch.manual_seed(0)
    plain, unit = (Mleu(2, 2, "none", activation) for activation in ("tanh", "tanh01"))
    unit.load_state_dict(plain.state_dict())
    gray = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close((unit.eval()(gray) + 1) / 2, plain.eval()(gray))


def test_the_features_enter_the_encoder_and_the_full_resolution_reaches_the_head() -> None:
    """What the deepest convolutions see, and a pixel's share in its own output."""
    torch.manual_seed(0)
    network = Mleu(5, 4).eval()
    gray = torch.rand(1, 1, 64, 64) - 0.5
    seen: list[Tensor] = []
    network.before["32"].register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    network(gray)
    network.norms["2"].bias.data += 1.0
    network(gray)
    assert not torch.allclose(*seen)
    for block in list(network.decoding.values())[:-1]:  # nothing of the deeper levels
        block.register_forward_hook(lambda _m, _i, output: output * 0)
    moved = gray.clone()
    moved[..., 20, 21] += 0.3
    change = (network(moved) - network(gray)).abs().sum(1)[0]
    assert change[20, 21] > 0
    change[16:25, 17:26] = 0
    assert not change.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pretrained": "alexnet"}, r"network\.pretrained.*alexnet.*allowed: efficientnet_lite0"),
        ({"activation": "relu"}, r"network\.activation is 'relu'; allowed: none, tanh, tanh01"),
        ({"activation": "tanh"}, r"network\.activation is 'tanh' with 5 outputs; allowed"),
        ({"stride": 3}, r"network\.stride is 3; allowed: 1, 2, 4"),
        ({"width": 0}, r"network\.width is 0"),
    ],
)
def test_bad_options_are_one_line(options: dict[str, object], words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        networks.build("mleu", options, 5)


def test_the_pretrained_part_is_loaded_and_never_changes() -> None:
    torch.manual_seed(0)
    network = networks.build("mleu", {"width": 4, "stride": 4}, 5)
    assert isinstance(network, Mleu)
    random = network.encoder.body.stem.conv.weight.clone()  # type: ignore[union-attr]
    own = network.head.weight.clone()
    network.load_pretrained()
    assert not torch.equal(random, network.encoder.body.stem.conv.weight)  # type: ignore[union-attr]
    assert torch.equal(own, network.head.weight)
    network.train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1)
    network(torch.rand(2, 1, 64, 64) - 0.5).square().mean().backward()
    optimizer.step()
    for key, value in network.state_dict().items():
        assert torch.equal(before[key], value) == key.startswith("encoder."), key
    trained = [p for p in network.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)


def test_a_trained_one_comes_back_from_its_tensors_alone() -> None:
    network = networks.build("mleu", {"width": 2, "stride": 4}, 5)
    network.load_pretrained()  # type: ignore[operator]
    fresh = networks.build("mleu", {"width": 2, "stride": 4}, 5)
    fresh.load_state_dict(network.state_dict())
    lightness = torch.rand(1, 1, 64, 64) - 0.5
    assert torch.equal(fresh.eval()(lightness), network.eval()(lightness))


def test_every_pretrained_level_matters() -> None:
    """A level that the forward pass forgot would change nothing."""
    network = networks.build("mleu", {"width": 2}, 5).eval()
    assert isinstance(network, Mleu)
    assert sorted(network.norms) == sorted(str(level) for level in FEATURES["none"])
    lightness = torch.rand(1, 1, 64, 64) - 0.5
    before = network(lightness)
    for norm in network.norms.values():
        norm.bias.data += 1.0  # type: ignore[operator, union-attr]
        after = network(lightness)
        assert not torch.allclose(before, after)
        before = after


def test_a_photo_does_not_depend_on_its_batch() -> None:
    network = networks.build("mleu", {"width": 4}, 5).eval()
    batch = torch.rand(3, 1, 32, 32) - 0.5
    torch.testing.assert_close(network(batch)[1:2], network(batch[1:2]), rtol=1e-4, atol=1e-4)


def _eight_photos(side: int, stride: int) -> tuple[Tensor, Tensor, Tensor, int]:
    """Lightness, index of the nearest bin and normalized chroma, of eight rendered photos."""
    centers = gamut_centers("lab", 20.0)
    lab = []
    for k in range(8):
        lab.append(rgb_to_lab(render_scene(CATEGORIES[k], np.random.default_rng(k), side, side)))
    lab_NHW3 = np.stack(lab)
    ab_Nhw2 = lab_NHW3[:, ::stride, ::stride, 1:]
    lightness = torch.from_numpy(lab_NHW3[..., 0]).float()[:, None] / 100 - 0.5
    index = torch.from_numpy(nearest_bin(ab_Nhw2, centers).astype(np.int64))
    chroma = torch.from_numpy(ab_Nhw2 / 110).float().permute(0, 3, 1, 2)
    return lightness, index, chroma, len(centers)


@pytest.mark.parametrize("head", ["bins", "chroma"])
@pytest.mark.parametrize("pretrained", ["none", "efficientnet_lite0"])
def test_overfits_eight_photos(head: str, pretrained: str) -> None:
    torch.manual_seed(0)
    lightness, index, chroma, bins = _eight_photos(64, 4)
    options = {"width": 8, "stride": 4, "pretrained": pretrained}
    options |= {"activation": "tanh01"} if head == "chroma" else {}
    network = networks.build("mleu", options, bins if head == "bins" else 2).train()
    network.load_pretrained()  # type: ignore[operator]
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.01)
    for _ in range(100):
        output = network(lightness)
        loss = F.cross_entropy(output, index) if head == "bins" else F.mse_loss(output, chroma)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if head == "bins":
        commonest = float(index.flatten().bincount().max() / index.numel())
        accuracy = float((output.argmax(1) == index).float().mean())
        assert accuracy > 0.9
        assert commonest < 0.5
    else:
        constant = chroma.var(dim=(0, 2, 3), correction=0).mean()
        assert loss < 0.05 * constant
