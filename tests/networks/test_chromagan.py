"""ChromaGAN's generator and critic: sizes, shapes, an independent reading, pretrained weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape import networks
from huescape.base.errors import HuescapeError, ParamsError
from huescape.networks.chromagan import ChromaGan
from huescape.networks.critic import Critic

TRUNK = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), *[(256, 256)] * 2, (256, 512)]
TRUNK += [(512, 512)] * 2
DECODER = [(256, 128), (128, 64), (64, 64), (64, 32), (32, 2)]


def conv_parameters(inputs: int, outputs: int, side: int = 3) -> int:
    return inputs * outputs * side**2 + outputs


def small(**options: object) -> ChromaGan:
    """Width 2, 5 classes, with a global state left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ChromaGan(2, **{"width": 2, "classes": 5} | options)


def test_parameter_counts_follow_from_the_tables() -> None:
    conv = conv_parameters
    trunk = sum(conv(*sizes) for sizes in TRUNK)
    assert trunk == 7_635_264  # of VGG16 up to conv4_3, a well-known number
    spread = 4 * (conv(512, 512) + 2 * 512)
    vector = conv(25088, 1024, 1) + conv(1024, 512, 1) + conv(512, 256, 1)
    classes = conv(25088, 4096, 1) + conv(4096, 4096, 1) + conv(4096, 1000, 1)
    middle = conv(512, 512) + 2 * 512 + conv(512, 256) + 2 * 256
    decoder = conv(512, 256, 1) + sum(conv(*sizes) for sizes in DECODER)
    expected = trunk + spread + vector + classes + middle + decoder
    assert expected == 171_166_090
    with torch.device("meta"):
        assert networks.parameter_count(networks.build("chromagan", {}, 2)) == expected
        found = networks.parameter_count(Critic())
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1)]
    assert found == sum(conv(*sizes, 4) for sizes in pairs) == 2_764_737


@pytest.mark.parametrize(("stride", "size"), [(1, (64, 64)), (1, (40, 56)), (2, (32, 48))])
def test_shapes_and_ranges(stride: int, size: tuple[int, int]) -> None:
    network = small(stride=stride)
    chroma, logits = network.forward_with_classes(torch.rand(2, 1, *size) - 0.5)
    assert chroma.shape == (2, 2, size[0] // stride, size[1] // stride)
    assert logits.shape == (2, 5)
    assert chroma.abs().max() <= 127.5 / 110


def test_stride_two_leaves_out_the_last_repetition() -> None:
    one, two = small(stride=1).eval(), small(stride=2).eval()
    gray = torch.rand(1, 1, 32, 32) - 0.5
    full, half = one(gray), two(gray)
    for row in (0, 1):
        for column in (0, 1):
            assert torch.equal(full[..., row::2, column::2], half)


def test_forward_gives_the_chroma_of_forward_with_classes() -> None:
    network = small().eval()
    gray = torch.rand(2, 1, 32, 32) - 0.5
    assert torch.equal(network(gray), network.forward_with_classes(gray)[0])


def test_the_pool_changes_nothing_at_the_published_size() -> None:
    network = small().eval()
    seven = network.spread(torch.randn(1, 16, 28, 28))
    assert seven.shape == (1, 16, 7, 7)
    assert torch.equal(network.field(seven), seven)


def test_every_parameter_gets_a_gradient() -> None:
    network = small(width=4)
    chroma, logits = network.forward_with_classes(torch.randn(2, 1, 64, 64))
    (chroma.square().sum() + logits.square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def layers(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, kind)]


def reference(network: ChromaGan, gray: Tensor) -> tuple[Tensor, Tensor]:
    """The network of the table once more, from its weights in order, in evaluation."""
    convs, norms = iter(layers(network, nn.Conv2d)), iter(layers(network, nn.BatchNorm2d))
    dense = iter(layers(network, nn.Linear))

    def conv(x: Tensor, step: int = 1, pad: int = 1) -> Tensor:
        layer = next(convs)
        return F.conv2d(x, layer.weight, layer.bias, stride=step, padding=pad)

    def normed(x: Tensor, step: int = 1) -> Tensor:
        y, norm = conv(x, step).clamp(min=0), next(norms)
        mean, var, scale, shift = (
            v[:, None, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        return (y - mean) / (var + 1e-3).sqrt() * scale + shift

    def doubled(x: Tensor) -> Tensor:
        return torch.kron(x, torch.ones(2, 2, dtype=x.dtype))

    def matrices(x: Tensor) -> Tensor:
        for _ in range(3):
            layer = next(dense)
            x = x @ layer.weight.T + layer.bias
        return x

    trunk = (gray + 0.5).expand(-1, 3, -1, -1)
    if network.normalize:
        mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).double()
        trunk = (trunk - mean[:, None, None]) / deviation[:, None, None]
    for level, count in enumerate((2, 2, 3, 3)):
        trunk = F.max_pool2d(trunk, 2) if level else trunk
        for _ in range(count):
            trunk = conv(trunk).clamp(min=0)
    spread = trunk
    for step in (2, 1, 2, 1):
        spread = normed(spread, step)
    field = spread.reshape(len(gray), -1)
    vector, classes = matrices(field), matrices(field)
    middle = normed(normed(trunk))
    ones = torch.ones_like(middle[:, :1])
    x = torch.cat([middle, vector[:, :, None, None] * ones], dim=1)
    x = conv(conv(x, pad=0).clamp(min=0)).clamp(min=0)
    x = conv(conv(doubled(x)).clamp(min=0)).clamp(min=0)
    chroma01 = torch.sigmoid(2 * conv(conv(doubled(x)).clamp(min=0)))
    return doubled((255 * chroma01 - 127.5) / 110), classes


@pytest.mark.parametrize("normalize", [False, True])
def test_agrees_with_an_independent_reading_of_the_table(normalize: bool) -> None:
    """Also that tanh is the published sigmoid (of twice the argument) over 255 Lab units."""
    network = small(normalize=normalize).double().eval()
    for norm in layers(network, nn.BatchNorm2d):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    gray = torch.rand(1, 1, 224, 224, dtype=torch.float64) - 0.5
    with torch.no_grad():
        found, expected = network.forward_with_classes(gray), reference(network, gray)
    assert found[0].std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=2e-4, atol=1e-6)  # 1.159, rounded


def vgg_like(network: ChromaGan) -> dict[str, Tensor]:
    """A state dict like VGG16's, as far as the trunk reaches and a layer beyond."""
    shapes = [(k, v.shape) for k, v in network.trunk.state_dict().items()]
    state = {f"features.{name}": torch.rand(shape) for name, shape in shapes}
    return state | {"features.24.weight": torch.rand(3, 3), "features.24.bias": torch.rand(3)}


def test_load_pretrained_fills_the_trunk_alone_and_leaves_it_trained(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    state = vgg_like(small())
    torch.save(state, path)
    network = small(pretrained=f"vgg16:{path}")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.load_pretrained()
    for key, value in network.state_dict().items():
        expected = state["features." + key[6:]] if key.startswith("trunk.") else before[key]
        assert torch.equal(value, expected), key
    assert all(p.requires_grad for p in network.parameters())
    assert network.pretrained == f"vgg16:{path}"


def test_pretrained_none_loads_nothing() -> None:
    network = small()
    before = network.trunk[0].weight.clone()
    network.load_pretrained()
    assert network.pretrained is None
    assert torch.equal(network.trunk[0].weight, before)


def test_pretrained_weights_that_do_not_fit_are_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save(vgg_like(small(width=4)), path)
    with pytest.raises(HuescapeError, match="do not fit"):
        small(pretrained=f"vgg16:{path}").load_pretrained()
    with pytest.raises(HuescapeError, match="no such file"):
        small(pretrained="vgg16:nowhere.pth").load_pretrained()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 3}, ["network.width", "2"]),
        ({"width": 0}, ["network.width"]),
        ({"classes": 1}, ["network.classes"]),
        ({"stride": 3}, ["network.stride"]),
        ({"norm_momentum": 0}, ["network.norm_momentum is 0"]),
        ({"pretrained": "alexnet"}, ["network.pretrained", "vgg16"]),
        ({"pretrained": "efficientnet_lite0"}, ["network.pretrained", "vgg16"]),
        ({"width": 32, "pretrained": "vgg16"}, ["network.width is 32", "64"]),
    ],
)
def test_options_are_checked(options: dict[str, object], words: list[str]) -> None:
    with torch.device("meta"), pytest.raises(ParamsError) as caught:
        networks.build("chromagan", options, 2)
    assert all(word in str(caught.value) for word in words)


def test_batch_norm_moves_as_slowly_as_released() -> None:
    """A hundredth of a batch's mean enters the running one, where it starts at 0; or as asked."""
    gray = torch.rand(2, 1, 32, 32) - 0.5
    released, whole = small(), small(norm_momentum=1.0)
    for network in (released, whole):
        network.train()(gray)
    pairs = zip(layers(released, nn.BatchNorm2d), layers(whole, nn.BatchNorm2d), strict=True)
    for slow, own in pairs:
        torch.testing.assert_close(slow.running_mean, 0.01 * own.running_mean)
        assert slow.eps == 1e-3


@pytest.mark.parametrize(("size", "scores"), [((224, 224), (28, 28)), ((16, 24), (2, 3))])
def test_critic_scores_an_eighth_of_the_resolution(
    size: tuple[int, int], scores: tuple[int, int]
) -> None:
    critic = Critic(2)
    assert critic(torch.rand(1, 1, *size), torch.rand(1, 2, *size)).shape == (1, 1, *scores)


def test_a_score_sees_seventy_pixels_and_no_other_photo() -> None:
    critic = Critic(2)
    chroma = torch.rand(2, 2, 160, 160, requires_grad=True)
    critic(torch.rand(2, 1, 160, 160), chroma)[0, 0, 10, 10].backward()
    assert chroma.grad is not None
    seen_photos, seen_rows = chroma.grad.abs().sum((1, 2, 3)), chroma.grad[0].abs().sum((0, 2))
    assert torch.count_nonzero(seen_rows) == 70
    assert seen_photos[1] == 0
