"""How much the study's server takes from whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one server.

    Attributes:
        body_bytes: of whatever is posted.
        body_seconds: in which it has to arrive.
        burst, per_second: what a client may spend at once, and gets back; costs are in `routes`.
    """

    body_bytes: int = 1_000
    body_seconds: float = 10.0
    burst: float = 240.0
    per_second: float = 60.0
