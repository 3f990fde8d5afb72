"""The results that the tests of the report use too."""

from __future__ import annotations

from tests.reporting.conftest import make, quantizers

__all__ = ["make", "quantizers"]
