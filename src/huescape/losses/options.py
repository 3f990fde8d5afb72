"""Types of the losses' options; the registry checks values against them before anything runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

# A share, an exponent, a weight of a term.
Factor = Annotated[float, Field(ge=0)]
# A scale: what is divided by.
Span = Annotated[float, Field(gt=0)]
# The side of a block, in targets.
Side = Annotated[int, Field(ge=1, le=1024)]
