"""What a request may ask for: how a photo is to look, and in which form it is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from huescape.base.errors import ParamsError
from huescape.coloring.strokes import Hint, parse_hint
from huescape.demo.photo import Format, Look
from huescape.params.decodings import Decoding
from huescape.params.messages import explain, printable
from huescape.serving.refusals import Refusal

#: Of the chroma: twice as strong is as far as a picture bears.
STRONGEST = 2
#: Hints of a look: as many as a person places one by one.
MOST_HINTS = 32


class LookQuery(BaseModel):
    """How a photo is to look; what is not said is as the model has it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    temperature: Annotated[float | None, Field(gt=0, le=1)] = None
    tau: Annotated[float | None, Field(ge=0, le=1)] = None
    strength: Annotated[float, Field(ge=0, le=STRONGEST)] = 1.0
    hint: list[str] = []

    def look(self, usual: Decoding, is_regression: bool) -> Look:
        """The look; Refusal 422 for what is no hint, or too many.

        And for a decoding of a regression, which has nothing to decode.
        """
        numbers = {"temperature": self.temperature, "tau": self.tau}
        asked = {key: value for key, value in numbers.items() if value is not None}
        if asked and is_regression:
            raise Refusal(
                422, f"{next(iter(asked))}: this model predicts colors; allowed: strength, hint"
            )
        decoding = Decoding.model_validate(usual.model_dump() | asked)
        return Look(decoding, self.strength, self._hints())

    def _hints(self) -> tuple[Hint, ...]:
        if len(self.hint) > MOST_HINTS:
            count = f"{len(self.hint)} times"
            raise Refusal(422, f"hint is given {count}; allowed: at most {MOST_HINTS}")
        try:
            return tuple(parse_hint(text, "hint") for text in self.hint)
        except ParamsError as error:
            raise Refusal(422, str(error)) from error


class ResultQuery(LookQuery):
    """A file to keep."""

    format: Format = "png"
    size: Literal["full", "preview"] = "full"


def refusal(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """422 for the first of the errors that FastAPI found in a query."""
    error = errors[0]
    name = str(error["loc"][-1])
    if error["type"] == "extra_forbidden":
        return Refusal(422, f"{printable(name, 60)}: no such parameter")
    found = cast(Any, {**error, "loc": (name,)})
    return Refusal(422, explain(found, {}, ResultQuery.model_json_schema()))
