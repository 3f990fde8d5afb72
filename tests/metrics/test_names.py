"""Names in files."""

from __future__ import annotations

from huescape.metrics.names import temperature_name


def test_temperature_names() -> None:
    assert [temperature_name(t) for t in (1.0, 0.38, 0.2, 1e-3)] == ["1", "0.38", "0.2", "0.001"]
