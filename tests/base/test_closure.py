"""The code of a stage, found in its source: in a package made for it, and in this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.base import closure
from huescape.base.closure import as_deps, code_of, digest

FILES = {
    "__init__.py": "VERSION = 1\n",
    "base/__init__.py": "",
    "base/errors.py": "import huescape.tracking.store\n",
    "base/late.py": "from huescape.base import other\n",
    "base/other.py": "X = 1\n",
    "base/unused.py": "X = 2\n",
    "networks/__init__.py": "import importlib\n",
    "networks/by_name.py": "from huescape.base.late import other\n",
    "reporting/__init__.py": "",
    "reporting/page.py": 'PAGE = "page.html"\n',
    "reporting/page.html": "<p>",
    "reporting/notes.md": "nobody reads it",
    "stages/__init__.py": "",
    "stages/one.py": """
from __future__ import annotations
import json
from huescape.base.errors import Wrong
from huescape.reporting import page
def late():
    from huescape import networks
""",
    "stages/two.py": "from huescape.base import other\n",
    "tracking/__init__.py": "",
    "tracking/store.py": "X = 3\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(files: frozenset[Path]) -> set[str]:
    return {file.as_posix() for file in files}


def test_late_imports_modules_found_by_name_and_data_count(package: Path) -> None:
    assert names(code_of("one", package)) == {
        *("__init__.py", "stages/one.py", "reporting/page.py", "reporting/page.html"),
        *("networks/__init__.py", "networks/by_name.py", "base/late.py", "base/other.py"),
    }


def test_what_a_stage_does_not_import_does_not_count(package: Path) -> None:
    assert names(code_of("two", package)) == {"__init__.py", "stages/two.py", "base/other.py"}


def test_what_is_imported_for_types_alone_does_not_count(package: Path) -> None:
    file = package / "stages/two.py"
    file.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from huescape.base import unused\n"
        "else:\n    from huescape.base import other\n"
    )
    assert names(code_of("two", package)) == {"__init__.py", "stages/two.py", "base/other.py"}


def test_a_folder_of_which_most_is_used_stands_for_its_files(package: Path) -> None:
    assert as_deps(code_of("one", package), package) == [
        *("src/huescape/__init__.py", "src/huescape/base/late.py", "src/huescape/base/other.py"),
        *("src/huescape/networks", "src/huescape/reporting", "src/huescape/stages/one.py"),
    ]


def test_a_digest_follows_the_code_and_nothing_else(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closure, "PACKAGE", package)
    one, two = digest("one"), digest("two")
    for name in ("base/unused.py", "base/errors.py", "tracking/store.py", "reporting/notes.md"):
        (package / name).write_text("X = 7\n")
        assert (digest("one"), digest("two")) == (one, two), name
    (package / "networks/by_name.py").write_text("X = 7\n")
    assert digest("one") != one
    assert digest("two") == two
    assert digest("two", [Path("base/unused.py")]) != two


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("train", "params/presets.py"),
        ("train", "params/sections.py"),
        ("evaluate", "stages/evaluate.py"),
        ("evaluate", "metrics/ssim_kernels.py"),
        ("report", "reporting/report.html"),
        ("report", "reporting/gallery.html"),
        ("download", "sources/sun397_categories.csv"),
        ("train", "networks/colorunet.py"),
    ],
)
def test_what_decides_a_result_is_code_of_its_stage(stage: str, file: str) -> None:
    assert Path(file) in code_of(stage)


@pytest.mark.parametrize("name", closure.WITHOUT_EFFECT)
def test_what_has_no_effect_is_there_and_left_out(name: str) -> None:
    assert (closure.PACKAGE / name).exists()
    for stage in ("download", "train", "report"):
        assert not [at for at in code_of(stage) if at.is_relative_to(name)]
