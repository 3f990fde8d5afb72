"""What is posted to a study: the consent of a person, and their answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from huescape.params.messages import explain, printable
from huescape.serving.refusals import Refusal

_DAY_MS = 86_400_000
Milliseconds = Annotated[float, Field(ge=0, le=_DAY_MS)]


class Message(BaseModel):
    """Strict, so that what is kept is what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Consent(Message):
    """A person has read what the study is, and agrees."""

    consent: Literal["yes"]


class Choice(Message):
    """What a person says of a pair.

    Attributes:
        fake: the one that they think was colored.
        reaction_ms, first_ms, second_ms, looks: as in `store.Answer`.
    """

    fake: Annotated[int, Field(ge=1, le=2)]  # of Literal, true would be 1
    reaction_ms: Milliseconds
    first_ms: Milliseconds
    second_ms: Milliseconds
    looks: Annotated[int, Field(ge=1, le=1000)]


M = TypeVar("M", bound=Message)


def read(kind: type[M], data: bytes) -> M:
    """The message in a body of JSON; Refusal 422 in one line for anything else."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise _refusal(kind, error.errors()[0]) from None


def _refusal(kind: type[Message], error: Any) -> Refusal:
    if not error["loc"]:
        allowed = ", ".join(kind.model_fields)
        return Refusal(422, f"the body is no such message; allowed: JSON with {allowed}")
    name = str(error["loc"][-1])
    if error["type"] == "extra_forbidden":
        return Refusal(422, f"{printable(name, 60)}: no such key")
    return Refusal(422, explain(cast(Any, {**error, "loc": (name,)}), {}, kind.model_json_schema()))
