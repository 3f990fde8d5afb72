"""The figure of accuracy by depth."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from huescape.figures import depth


def _probe(weights: str, block: str, number: int, value: float) -> dict[str, Any]:
    accuracy = {"value": value, "interval": [value - 0.05, value + 0.05]}
    return {"weights": weights, "block": block, "depth": number, "accuracy": accuracy}


def test_a_curve_that_is_not_there_is_not_drawn() -> None:
    plain = _drawn(0.6)
    assert plain != _drawn(0.6, "pretrained")


def _drawn(trained: float, *more: str) -> bytes:
    probes = [_probe("gray", "", 0, 0.3)]
    for number, block in enumerate(("encoder.trunk.features.blocks.0", "up1"), start=1):
        probes += [_probe("trained", block, number, trained), _probe("random", block, number, 0.4)]
        probes += [_probe(weights, block, number, 0.5) for weights in more]
    out = io.BytesIO()
    depth.draw(out, probes, 0.2)
    return out.getvalue()


def test_the_bytes_follow_from_the_numbers() -> None:
    assert _drawn(0.6) == _drawn(0.6)
    assert _drawn(0.6) != _drawn(0.7)


def test_the_curves_have_colors_of_their_own() -> None:
    rgb_HW3 = np.asarray(Image.open(io.BytesIO(_drawn(0.6))).convert("RGB")).astype(int)
    for color in ((0, 114, 178), (213, 94, 0)):
        assert (np.abs(rgb_HW3 - color).sum(axis=2) < 12).sum() > 50
