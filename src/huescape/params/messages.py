"""Turn a validation error into one line: the dotted key, the value found, the values allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import ErrorDetails

from huescape.base.errors import one_line
from huescape.base.masking import mask

JsonSchema = dict[str, Any]

_BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
    ("multipleOf", "a multiple of {}"),
    ("pattern", "matching {}"),
    ("minItems", "{} or more"),
    ("maxLength", "at most {} characters"),
)


def explain(error: ErrorDetails, value: Any, schema: JsonSchema, prefix: Sequence[str] = ()) -> str:
    """Describe `error`, found in `value`, by the JSON schema of the model that refused it."""
    keys, at, parent = _walk(error["loc"], value, schema)
    dotted = ".".join([*prefix, *keys]) or "the file"
    if error["type"] == "extra_forbidden":
        allowed = ", ".join(sorted(parent.get("properties", {}))) or "none"
        return f"{dotted}: no such key; allowed here: {allowed}"
    if error["type"] == "missing":
        return f"{dotted}: is missing; allowed: {_allowed(at, schema)}"
    if error["type"] == "union_tag_not_found":
        return f"{dotted}.{_discriminator(error)}: is missing; allowed: {_tags(at)}"
    if error["type"] == "union_tag_invalid":
        tag = error["ctx"]["tag"]
        return f"{dotted}.{_discriminator(error)} is {tag!r}; allowed: {_tags(at)}"
    if error["type"] == "value_error":
        text = error["msg"].removeprefix("Value error, ")
        return f"{dotted}: {text}" if keys or prefix else text
    return f"{dotted} is {short(error['input'])}; allowed: {_allowed(at, schema)}"


def _walk(
    loc: Sequence[int | str], value: Any, schema: JsonSchema
) -> tuple[list[str], JsonSchema, JsonSchema]:
    """Follow `loc` through the value and the schema; tags of unions are no keys of the file."""
    keys: list[str] = []
    at = parent = schema
    for item in loc:
        if item == "[key]":  # the name itself is refused; the pattern stands with the section
            at = {"type": "string", "pattern": next(iter(parent.get("patternProperties", {})), "")}
            break
        if len(_options(at)) > 1:  # the tag of one of several types
            break
        at = _resolve(at, schema)
        mapping = at.get("discriminator", {}).get("mapping", {})
        if item in mapping:
            at = {"$ref": mapping[item]}
            continue
        parent, at = at, _child(at, item)
        keys.append(printable(str(item), 60))
    return keys, _resolve(at, schema), _resolve(parent, schema)


def _child(at: JsonSchema, item: int | str) -> JsonSchema:
    if isinstance(item, int):
        prefix_items = at.get("prefixItems", [])
        found = prefix_items[item] if item < len(prefix_items) else at.get("items", {})
    else:
        others = [*at.get("patternProperties", {}).values(), at.get("additionalProperties", {})]
        found = at.get("properties", {}).get(item, others[0])
    return found if isinstance(found, dict) else {}


def _resolve(at: JsonSchema, schema: JsonSchema) -> JsonSchema:
    while "$ref" in at or len(_options(at)) == 1:  # `X | None`: describe X
        at = schema["$defs"][at["$ref"].rsplit("/", 1)[1]] if "$ref" in at else _options(at)[0]
    return at


def _options(at: JsonSchema) -> list[JsonSchema]:
    """The types of a value that may be one of several, but for null."""
    return [option for option in at.get("anyOf", []) if option.get("type") != "null"]


def _allowed(at: JsonSchema, schema: JsonSchema) -> str:
    if options := _options(at):
        return ", or ".join(_allowed(_resolve(option, schema), schema) for option in options)
    if "discriminator" in at:
        return f"sections of kind {_tags(at)}"
    if "enum" in at or "const" in at:
        return ", ".join(str(option) for option in at.get("enum", [at.get("const")]))
    words = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
    words |= {"string": "text", "array": "a list", "object": "a section of keys"}
    parts = [words.get(str(at.get("type")), "another value")]
    if at.get("type") == "array":
        parts.append(f"each {_allowed(_resolve(at.get('items', {}), schema), schema)}")
    parts += [text.format(at[key]) for key, text in _BOUNDS if key in at]
    if at.get("type") == "object" and "properties" in at:
        parts.append("(" + ", ".join(sorted(at["properties"])) + ")")
    return " ".join([parts[0], ", ".join(parts[1:])]).strip()


def _discriminator(error: ErrorDetails) -> str:
    return str(error["ctx"]["discriminator"]).strip("'").removesuffix("()")


def _tags(at: JsonSchema) -> str:
    at = at.get("items", at) if at.get("type") == "array" else at
    return ", ".join(sorted(at.get("discriminator", {}).get("mapping", {}))) or "another kind"


def short(value: Any, most: int = 60) -> str:
    """The value as Python writes it, cut to `most` characters; one line without control codes."""
    return printable(mask(repr(value)), most)  # masked first: half an address is not known as one


def printable(text: str, most: int = 200) -> str:
    """`text` without characters that would break a line or steer a terminal, cut to `most`."""
    if len(text) > most:
        text = text[: most - 3] + "..."
    return one_line(text)
