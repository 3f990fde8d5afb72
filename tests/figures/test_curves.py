"""The plot of curves: written whole, the same every time, and it shows what it is given."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from huescape.figures import curves


def panels(shift: float = 0.0) -> dict[str, dict[str, np.ndarray]]:
    t = np.arange(151)
    one = {"system": 1 - np.exp(-t / (20 + shift)), "Gray": 1 - np.exp(-t / 30)}
    return {"All pixels": one, "Bins": one}


def drawn(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def test_the_same_bytes_whatever_a_person_has_set(tmp_path: Path) -> None:
    curves.draw(tmp_path / "a.png", panels())
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "savefig.dpi": 30}):
        curves.draw(tmp_path / "b.png", panels())
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert b"matplotlib" not in (tmp_path / "a.png").read_bytes().lower()


def test_another_curve_is_another_picture(tmp_path: Path) -> None:
    curves.draw(tmp_path / "a.png", panels())
    curves.draw(tmp_path / "b.png", panels(shift=5))
    assert (drawn(tmp_path / "a.png") != drawn(tmp_path / "b.png")).any()


def test_an_undefined_curve_says_so(tmp_path: Path) -> None:
    made = panels()
    made["Bins"] = {"system": np.full(151, np.nan)}
    curves.draw(tmp_path / "a.png", made)
    picture = drawn(tmp_path / "a.png")
    middle = picture[:, picture.shape[1] // 2 :]
    blue = (middle == (0x00, 0x72, 0xB2)).all(axis=-1)
    assert not blue.any()  # no curve in the second panel
    assert (drawn(tmp_path / "a.png")[:, : picture.shape[1] // 2] == (0, 0x72, 0xB2)).all(-1).any()
