"""What these tests share: a finished tiny project; with others, a small one and a store."""

from __future__ import annotations

import pytest

from tests.engines.conftest import made_by_dvc
from tests.faults.project import Starts, make_starts
from tests.once import made_once
from tests.tracking.conftest import empty_store, model, store

__all__ = ["empty_store", "made_by_dvc", "model", "starts", "store"]


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    """The tiny project at several stages, and what an undisturbed run of it leaves."""
    return made_once(tmp_path_factory, "starts", lambda folder: make_starts(folder, replaced=False))
