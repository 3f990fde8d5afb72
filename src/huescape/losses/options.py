"""Types of the losses' options; the registry checks values against them before anything runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

# A share, an exponent, a weight of a term.
Factor = Annotated[float, Field(ge=0)]
# A scale: what is divided by.
Span = Annotated[float, Field(gt=0)]
# The mean over the unmasked pixels of a batch, or the sum over those of a photo, as a mean over the
# photos: what weight decay is measured against.
Reduction = Literal["pixel", "photo"]
# The side of a block, in targets.
Side = Annotated[int, Field(ge=1, le=1024)]
