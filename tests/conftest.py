"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a busy machine is not a wrong result.
settings.register_profile("huescape", deadline=None)
settings.load_profile("huescape")
