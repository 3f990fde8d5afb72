"""What every section of the parameters has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen section of params.yaml; an unknown key is an error, not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
