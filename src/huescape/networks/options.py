"""Types of the networks' options; the registry checks values against them before anything runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

# Channels of the first level; every other level has a multiple of it.
Width = Annotated[int, Field(ge=1, le=4096)]
# The share of a step's statistics in the running ones of batch norm.
Momentum = Annotated[float, Field(gt=0, le=1)]
# Where the narrowest level has half as many.
EvenWidth = Annotated[int, Field(ge=2, le=4096, multiple_of=2)]
