"""The way in: light, and clear where a package is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.film import color_film


def test_telling_films_from_photos_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; from huescape.film import is_film; "
        "is_film(Path('a.mp4')); print(sorted({'av', 'cv2', 'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "said"),
    [(["av"], "PyAV must"), (["cv2"], "OpenCV must"), (["av", "cv2"], "PyAV and OpenCV must")],
)
def test_without_its_packages_it_says_how_to_install_them(
    missing: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(HuescapeError, match=rf"{said}.*pip install 'huescape\[film\]'"):
        color_film(tmp_path, tmp_path / "a.mp4", tmp_path / "b.mp4")
