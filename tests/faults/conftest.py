"""What tests of a real store share with those of tracking: a folder, and a store with tables."""

from __future__ import annotations

from tests.tracking.conftest import empty_store, project

__all__ = ["empty_store", "project"]
