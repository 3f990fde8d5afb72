"""Stage check: the same verdict with and without its memory, and the same output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from huescape.base.errors import ParamsError
from huescape.stages import check

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    return path


def _run(params: Path) -> bytes:
    check.run(params, params.with_name("checked.txt"), params.with_name("memory"))
    return params.with_name("checked.txt").read_bytes()


def _change(params: Path, old: str, new: str) -> None:
    text = params.read_text()
    assert old in text
    params.write_text(text.replace(old, new))


def test_the_output_is_constant(params: Path) -> None:
    first = _run(params)
    _change(params, "photos: 240", "photos: 250")
    assert _run(params) == first
    _change(params, "steps: 520", "steps: 540")
    assert _run(params) == first


def test_torch_is_loaded_for_a_changed_system_alone(params: Path) -> None:
    _run(params)
    code = (
        "import sys\nfrom pathlib import Path\nfrom huescape.stages import check\n"
        "check.run(*map(Path, sys.argv[1:]))\nprint('torch' in sys.modules)"
    )
    files = [str(params.with_name(name)) for name in ("params.yaml", "checked.txt", "memory")]

    def loads_torch() -> str:
        command = [sys.executable, "-c", code, *files]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    _change(params, "min_chroma: 1.5", "min_chroma: 1.6")
    assert loads_torch() == "False"
    _change(params, "crop: 128", "crop: 64")
    assert loads_torch() == "True"
    assert loads_torch() == "False"


@pytest.mark.parametrize("memory", ["", "0" * 64, "\0\xff", "{}"])
def test_a_damaged_memory_is_none(params: Path, memory: str) -> None:
    _run(params)
    good = params.with_name("memory").read_bytes()
    params.with_name("memory").write_text(memory, encoding="latin-1")
    _run(params)
    assert params.with_name("memory").read_bytes() == good


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("optimizer: {lr", "network: {widht: 8}\n    optimizer: {lr", "network.widht: no such key"),
        ("crop: 128", "crop: 100", "augmentation.crop is 100"),
        ("preset: colorunet", "preset: zhang2016", "stride"),
        ("val: 0.1", "val: 2", "filter.split.val is 2"),
    ],
)
def test_what_passed_does_not_hide_what_does_not(
    params: Path, old: str, new: str, words: str
) -> None:
    first = _run(params)
    memory = params.with_name("memory").read_bytes()
    _change(params, old, new)
    for _ in range(2):
        with pytest.raises(ParamsError, match=words):
            _run(params)
    assert params.with_name("memory").read_bytes() == memory
    assert params.with_name("checked.txt").read_bytes() == first


def test_weights_of_ones_own_are_looked_at_again(params: Path, tmp_path: Path) -> None:
    weights = tmp_path / "own.pth"
    weights.write_bytes(b"no state dict")
    entry = f'network: {{pretrained: "vgg16:{weights}"}}\n    optimizer: {{lr'
    _change(params, "preset: colorunet", "preset: mleu_classification")
    _change(params, "optimizer: {lr", entry)
    _change(params, "quantizer: yuv32", "quantizer: lab313")
    _change(params, "stride: 4", "stride: 1")
    with pytest.raises(ParamsError, match="is not a readable state dict"):
        _run(params)
    weights.unlink()
    with pytest.raises(ParamsError, match="no such file of pretrained weights"):
        _run(params)


def test_categories_that_a_source_does_not_have_are_one_line(params: Path) -> None:
    _change(params, "categories: core", "categories: colorunet")
    _run(params)  # the sample has categories of SUN
    _change(
        params,
        "download:\n  sources:\n",
        "download:\n  sources:\n    - {kind: imagenet, root: x}\n",
    )
    for _ in range(2):
        with pytest.raises(ParamsError) as caught:
            _run(params)
        assert str(caught.value) == (
            f"{params}: filter.categories is 'colorunet', which lists no category of "
            "download.sources.0 (kind imagenet); allowed with it: core, extended, all"
        )


@pytest.mark.parametrize(
    "line",
    [
        *("finetuned: {}\n", "released: {landscape: {}}\n", "probed: {}\n"),
        *("probed_released: {}\n", "unseen: {}\n", "generalized: {}\n"),
        *("generalized_released: {}\n", "perceived: {}\n", "perceived_released: {}\n"),
        "neighbors: {}\n",
    ],
)
def test_a_section_that_dvc_needs_is_asked_for(params: Path, line: str) -> None:
    _change(params, line, "")
    section = line.partition(":")[0]
    with pytest.raises(
        ParamsError, match=rf"params\.yaml: {section} is missing; allowed: .* or \{{\}}"
    ):
        _run(params)
    assert not params.with_name("checked.txt").exists()


def test_a_system_is_perceived_in_a_decoding_that_dvc_can_follow(params: Path) -> None:
    _change(params, "  decode: {method: annealed, tau: 0.0, temperature: 0.38}\n", "")
    _run(params)
    _change(params, "\nperceived: {}\n", "\nperceived: {colorunet: {}}\n")
    with pytest.raises(ParamsError, match=r"evaluate\.decode is missing; allowed with systems in"):
        _run(params)
