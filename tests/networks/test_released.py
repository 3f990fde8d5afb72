"""The authors' weights of the eight-block network: a state dict of their names and shapes, as ours.

Their own file is not at hand: here it is made of random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from huescape import networks
from huescape.base.errors import HuescapeError
from huescape.color import decoding
from huescape.color.bins import gamut_centers
from huescape.networks.zhang2016 import Zhang2016

CENTERS = torch.tensor(gamut_centers("lab", 10.0), dtype=torch.float32)
# The layers of each block: channels in and out, and stride and dilation of its last one and of all.
BLOCKS = [
    ((1, 64, 64), 2, 1),
    ((64, 128, 128), 2, 1),
    ((128, 256, 256, 256), 2, 1),
    ((256, 512, 512, 512), 1, 1),
    *[((512, 512, 512, 512), 1, 2)] * 2,
    ((512, 512, 512, 512), 1, 1),
]
# The lowest and the highest b of the published bins for each a from -90 to 100, which rise by a.
LOWEST = [50, 20, 0, -20, -30, -40, -50, -50, -60, -70, -80, -80, -90, -100, -100]
LOWEST += [-110, -110, -110, -110, -90]
HIGHEST = [90, 90, 90, 90, 100, 100, 100, 100, 100, 100, 90, 90, 90, 90, 80, 80, 80, 70, 70, 0]


@pytest.fixture(scope="module")
def release() -> dict[str, Tensor]:
    """Names and shapes of `colorization_release_v2`, in its PyTorch edition."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def layer(name: str, shape: tuple[int, ...], outputs: int) -> None:
        taps = shape[1] * shape[2] * shape[3] if outputs == shape[0] else 4 * shape[0]
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / taps) ** 0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(outputs, generator=generator)

    for block, (widths, _, _) in enumerate(BLOCKS, 1):
        for k, (before, after) in enumerate(pairwise(widths)):
            layer(f"model{block}.{2 * k}", (after, before, 3, 3), after)
        norm, channels = f"model{block}.{2 * (len(widths) - 1)}", widths[-1]
        state[f"{norm}.weight"] = 0.5 + torch.rand(channels, generator=generator)
        state[f"{norm}.bias"] = torch.randn(channels, generator=generator)
        state[f"{norm}.running_mean"] = torch.rand(channels, generator=generator)
        state[f"{norm}.running_var"] = 0.2 + torch.rand(channels, generator=generator)
        state[f"{norm}.num_batches_tracked"] = torch.tensor(450_000)
    layer("model8.0", (512, 256, 4, 4), 256)
    for k in (2, 4):
        layer(f"model8.{k}", (256, 256, 3, 3), 256)
    layer("model8.6", (313, 256, 1, 1), 313)
    state["model_out.weight"] = (CENTERS / 110).T[:, :, None, None].contiguous()
    return state


def published(state: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and chroma of normalized lightness, layer by layer from the state dict."""
    for block, (widths, stride, dilation) in enumerate(BLOCKS, 1):
        last = len(widths) - 2
        for k in range(last + 1):
            name, step = f"model{block}.{2 * k}", stride if k == last else 1
            weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, step, dilation, dilation))
        norm = f"model{block}.{2 * (last + 1)}"
        kinds = ("running_mean", "running_var", "weight", "bias")
        x = F.batch_norm(x, *(state[f"{norm}.{kind}"] for kind in kinds))
    x = F.conv_transpose2d(x, state["model8.0.weight"], state["model8.0.bias"], 2, 1)
    for k in (2, 4):
        x = F.conv2d(F.relu(x), state[f"model8.{k}.weight"], state[f"model8.{k}.bias"], 1, 1)
    logits = F.conv2d(F.relu(x), state["model8.6.weight"], state["model8.6.bias"])
    return logits, 110 * F.conv2d(logits.softmax(1), state["model_out.weight"])


def write(state: object, path: Path) -> Path:
    torch.save(state, path)
    return path


def test_the_published_bins_are_ours_in_our_order() -> None:
    ranges = zip(range(-90, 101, 10), LOWEST, HIGHEST, strict=True)
    points = [(a, b) for a, low, high in ranges for b in range(low, high + 1, 10)]
    np.testing.assert_array_equal(CENTERS.numpy(), points)


def test_their_layers_do_what_ours_do(tmp_path: Path, release: dict[str, Tensor]) -> None:
    """On a small photo; at temperature 1 the annealed mean is their last layer."""
    state = release
    network = Zhang2016(313, centered=False)
    network.load_released(write(state, tmp_path / "release.pth"), CENTERS)
    photo = torch.rand(1, 1, 24, 32, generator=torch.Generator().manual_seed(1)) - 0.5
    with torch.no_grad():
        found = network.eval()(photo)
        logits, chroma = published(state, photo)
    torch.testing.assert_close(found, logits, rtol=1e-3, atol=1e-3)
    mean = decoding.decode(found, CENTERS, "annealed", 1.0)
    torch.testing.assert_close(mean, chroma, rtol=1e-3, atol=0.05)


def renamed(state: dict[str, Tensor]) -> None:
    state["model9.0.weight"] = state.pop("model8.6.weight")


def reordered(state: dict[str, Tensor]) -> None:
    state["model_out.weight"] = state["model_out.weight"].flip(1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (renamed, r"head\.weight is missing there and \[313, 256, 1, 1\] in the network"),
        (reordered, r"model_out\.weight does not hold the system's bins in their order"),
        (lambda s: s.pop("model_out.weight"), r"model_out\.weight does not hold"),
        (
            lambda s: s.update({"model1.4.weight": -torch.ones(64)}),
            r"conv1\.4\.weight .* no positive scale",
        ),
        (lambda s: s.update({"model2.0.bias": torch.zeros(3)}), r"conv2\.0\.bias is \[3\] there"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(
    tmp_path: Path,
    release: dict[str, Tensor],
    change: Callable[[dict[str, Tensor]], object],
    words: str,
) -> None:
    state = dict(release)
    change(state)
    path = write(state, tmp_path / "release.pth")
    with pytest.raises(HuescapeError, match=rf"release\.pth: does not fit: .*{words}") as caught:
        Zhang2016(313).load_released(path, CENTERS)
    assert "\n" not in str(caught.value)


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    path = write(nn.Linear(2, 2), tmp_path / "pickled.pth")
    with pytest.raises(HuescapeError, match="is not a readable state dict of tensors"):
        Zhang2016(313).load_released(path, CENTERS)
    with pytest.raises(HuescapeError, match="no such file"):
        Zhang2016(313).load_released(tmp_path / "none.pth", CENTERS)


def test_another_width_or_network_is_refused(tmp_path: Path, release: dict[str, Tensor]) -> None:
    path = write(release, tmp_path / "release.pth")
    with pytest.raises(HuescapeError, match=r"conv1\.0\.bias is \[64\] there and \[8\] in"):
        Zhang2016(313, width=8).load_released(path, CENTERS)
    with pytest.raises(HuescapeError, match="no released weights of this network are known"):
        networks.build("flat", {}, 32).load_released(path, CENTERS)
