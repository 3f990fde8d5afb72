"""What these tests share: a finished tiny project, and, with those of tracking, a store."""

from __future__ import annotations

import pytest

from tests.faults.project import Starts, make_starts
from tests.tracking.conftest import empty_store, store

__all__ = ["empty_store", "starts", "store"]


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    """The tiny project at several stages, and what an undisturbed run of it leaves."""
    return make_starts(tmp_path_factory.mktemp("starts"), replaced=False)
