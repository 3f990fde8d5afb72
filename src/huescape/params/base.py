"""What every section of the parameters has in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen section of params.yaml; an unknown key is an error, not a silent default.

    Types are those written in the file: "100" and true are no numbers. Every number is finite.
    The string below a key describes it in params.schema.json.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class Open(Section):
    """A section that names a thing; every other key is an option of the thing, checked by it."""

    model_config = ConfigDict(extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        """The other keys."""
        return dict(self.model_extra or {})


class Named(Open):
    """A thing by name, a network or a loss; every other key is an option of it, checked by it."""

    name: str


# What a network gives and a loss compares: logits of bins, or chroma.
Head = Literal["bins", "chroma"]

# Of the annealed mean (Zhang et al. 2016), wherever nothing else is asked for.
TEMPERATURE = 0.38

# YAML has lists only, which a strict tuple refuses; what is in the list stays strict.
FromList = Field(strict=False)

# The name of a quantizer or a system: dvc.yaml puts it into paths, commands and names of stages.
Key = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=100)]
