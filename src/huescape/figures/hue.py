"""Shifts of hue and chroma by true hue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from skimage.color import lab2rgb

from huescape.figures.canvas import plot

_INK = "#444444"


def draw(path: Path, shifts: Sequence[Mapping[str, Any]], least: float) -> None:
    """Draw the shift of each sector in degrees, and its true and predicted chroma, as PNG.

    Args:
        shifts: of equal sectors of hue, the first around 0 degrees: `name`, `pixels`, `true`,
            `predicted` and `degrees`; None where nothing is known.
        least: the chroma, in Lab units, from which pixels count.
    """
    places = np.arange(len(shifts))
    colors = [_color(360 * sector / len(shifts)) for sector in range(len(shifts))]
    with plot(path, 12, 4.6) as figure:
        hue, chroma = figure.subplots(1, 2)
        degrees = [one["degrees"] or 0 for one in shifts]
        hue.bar(places, degrees, color=colors, edgecolor=_INK, linewidth=0.6)
        hue.axhline(0, color=_INK, linewidth=1)
        most = max(10, *(abs(value) for value in degrees)) * 1.1
        hue.set(ylim=(-most, most), ylabel="Mean hue shift (degrees; + is toward the right)")
        hue.set_title("Hue: predicted minus true")
        chroma.bar(places, [one["true"] or 0 for one in shifts], 0.8, color="#dddddd", label="true")
        predicted = [one["predicted"] or 0 for one in shifts]
        chroma.bar(
            places, predicted, 0.5, color=colors, edgecolor=_INK, linewidth=0.6, label="predicted"
        )
        chroma.set(ylabel="Mean chroma (Lab units)")
        chroma.set_title("Chroma: predicted in the true one")
        total = sum(one["pixels"] for one in shifts) or 1
        labels = [f"{one['name']}\n{100 * one['pixels'] / total:.0f} %" for one in shifts]
        for axis in (hue, chroma):
            axis.set_xticks(places, labels, rotation=60, fontsize=9)
            axis.set_xlabel(f"True hue, and its share of the pixels of chroma {least:g} up")
            axis.grid(axis="y", color="#dddddd", linewidth=0.8)
            axis.set_axisbelow(True)


def _color(degrees: float) -> tuple[float, ...]:
    angle = math.radians(degrees)
    rgb_113 = lab2rgb([[[65, 45 * math.cos(angle), 45 * math.sin(angle)]]])
    return tuple(float(value) for value in np.clip(rgb_113[0, 0], 0, 1))
