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

    def block(before: int, after: int) -> int:
        return 9 * before * after + 9 * after * after + 4 * after

    extra = FEATURES[pretrained]
    total = sum(block(a * w, b * w) for a, b in [(1, 2), (2, 4), (4, 8), (8, 8)])
    total += 9 * w + 9 * w * w + 4 * w
    decoding = [(32, 8, 8), (16, 16, 4), (8, 8, 2), (4, 4, 1), (2, 2, 1)]
    for level, before, after in decoding:
        if level > stride:
            total += block(before * w + extra[level], after * w) + 2 * extra[level]
    last = {1: 1, 2: 1, 4: 2}[stride] * w
    return total + last * outputs + outputs


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
    assert (_trained(joined), _trained(plain)) == (5_442_553, 4_540_665)
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


def test_tanh_keeps_chroma_in_range() -> None:
    network = networks.build("mleu", {"width": 2, "pretrained": "none", "activation": "tanh"}, 2)
    with torch.no_grad():
        network.head.weight.mul_(1000)
    output = network(torch.randn(2, 1, 32, 32))
    assert output.abs().max() <= 1
    assert output.abs().max() > 0.9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pretrained": "alexnet"}, r"network\.pretrained.*alexnet.*allowed: efficientnet_lite0"),
        ({"activation": "relu"}, r"network\.activation is 'relu'; allowed: none, tanh"),
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
    options |= {"activation": "tanh"} if head == "chroma" else {}
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
