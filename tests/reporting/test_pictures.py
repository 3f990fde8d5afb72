"""Pictures in the page: within their budget, with the colors they had."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.reporting.pictures import embed


def picture(path: Path, width: int = 400, height: int = 300) -> Path:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def content(uri: str) -> bytes:
    return base64.b64decode(uri.partition("base64,")[2])


def test_a_small_png_goes_in_unchanged(tmp_path: Path) -> None:
    path = picture(tmp_path / "a b.png")
    found = embed(path, tmp_path / "page" / "index.html", 10**6, stage="evaluate@x")
    assert content(found.uri) == path.read_bytes()
    assert found.uri.startswith("data:image/png;")
    assert (found.width, found.height) == (400, 300)
    assert found.link == "../a%20b.png"


@pytest.mark.parametrize("budget", [150_000, 40_000, 9_000])
def test_a_large_one_is_made_to_fit(tmp_path: Path, budget: int) -> None:
    found = embed(picture(tmp_path / "a.png"), tmp_path / "index.html", budget, stage="evaluate@x")
    data = content(found.uri)
    assert len(data) <= budget
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.size == (found.width, found.height)


def test_colors_keep_their_place(tmp_path: Path) -> None:
    """Subsampled chroma would bleed red into its neighbors."""
    pixels = np.full((64, 64, 3), 128, np.uint8)
    pixels[:, ::2] = (255, 0, 0)
    noise = np.random.default_rng(0).integers(0, 3, pixels.shape, dtype=np.uint8)
    Image.fromarray(pixels - np.minimum(pixels, noise)).save(tmp_path / "a.png")
    size = (tmp_path / "a.png").stat().st_size
    found = embed(tmp_path / "a.png", tmp_path / "index.html", size - 1, stage="evaluate@x")
    with Image.open(io.BytesIO(content(found.uri))) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert found.width == 64
    assert np.abs(shown - pixels).mean() < 12


def test_what_is_no_picture_is_named_with_its_stage(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(HuescapeError, match=r"a\.png: not a picture .*; .* -f evaluate@x`$"):
        embed(tmp_path / "a.png", tmp_path / "index.html", 1000, stage="evaluate@x")
