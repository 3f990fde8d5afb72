"""What a run's page says in words (Markdown): a start, and sections that results fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.params.systems import SystemParams
from huescape.tracking.context import flatten

SCORES, MODEL = "Scores", "The model"
_OTHER = "Parameters that differ from the preset"


def training_note(name: str, params: Mapping[str, Any], dataset: Mapping[str, Any] | None) -> str:
    """What a system is trained on and how, before there are results."""
    facts = {
        "network": _name_of(params.get("network")),
        "loss": _name_of(params.get("loss")),
        "quantizer": params.get("quantizer"),
        "preset": params.get("preset"),
        "steps": params.get("steps"),
        "photos": _photos(dataset) if dataset else None,
    }
    lines = [f"- {key}: `{value}`" for key, value in facts.items() if value is not None]
    note = "\n".join(
        [
            f"Training of the system **{name}** by huescape.\n",
            *lines,
            "\nThe curves are in *Model metrics*, samples of the validation photos in *Artifacts*; "
            f"after `huescape evaluate {name}` all its scores are in `evaluation/{name}/scores.csv`"
            " there, and with intervals in the table `scores.json`. Evaluations with other "
            "settings are runs below this one.",
        ]
    )
    changed = other_than_preset(params)
    if changed is None:
        return note
    said = [f"- {key}: `{new}` in place of `{old}`" for key, (new, old) in changed.items()]
    return with_section(note, _OTHER, "\n".join(said) or "None.")


def other_than_preset(params: Mapping[str, Any]) -> dict[str, tuple[str, str]] | None:
    """By dotted key, what is not as the preset has it, and what the preset has, as JSON.

    None where there is no preset to compare with.
    """
    try:
        recipe = _recipe(params)
    except (HuescapeError, ValueError):  # of an older version, or not a system's
        return None
    own, theirs = flatten(params), flatten(recipe)
    keys = [*own, *(key for key in theirs if key not in own)]
    both = {key: (json.dumps(own.get(key)), json.dumps(theirs.get(key))) for key in keys}
    return {key: (new, old) for key, (new, old) in both.items() if new != old}


def scores_section(table: Sequence[Mapping[str, Any]]) -> str:
    """Headline scores and their intervals as a table of Markdown."""
    if not table:
        return ""
    rows = [f"| {row['score']} | {row['value']:.4g} | {_interval(row)} |" for row in table]
    head = "| score | value | 95 % interval |\n|---|---|---|"
    return f"By `{table[0]['prediction']}`; intervals over photos.\n\n" + "\n".join([head, *rows])


def model_section(model_id: str) -> str:
    """How to color photos with the run's model."""
    return (
        "```sh\n"
        f"huescape colorize PHOTO… -o FOLDER --system models:/{model_id}\n"
        "```\n\n"
        "```python\n"
        f'mlflow.pyfunc.load_model("models:/{model_id}")  # base64 of photos in and out\n'
        "```"
    )


def with_section(note: str, title: str, body: str) -> str:
    """The note with a section of this title, in place of an older one; all else stays."""
    section = f"### {title}\n\n{body}"
    old = re.compile(rf"^### {re.escape(title)}$.*?(?=^### |\Z)", re.MULTILINE | re.DOTALL)
    if old.search(note):
        return old.sub(lambda _: section + "\n\n", note, count=1).rstrip()
    return f"{note.rstrip()}\n\n{section}".lstrip()


def _recipe(params: Mapping[str, Any]) -> dict[str, Any]:
    """The preset as the parameters of this system: with its quantizer, and what it leaves open."""
    from huescape.losses import LOSSES  # they load torch
    from huescape.networks import NETWORKS
    from huescape.params.presets import preset  # it needs a reader of YAML, which no model does

    recipe = preset(str(params.get("preset", "")), "preset")
    recipe.setdefault("quantizer", params.get("quantizer"))
    found = SystemParams.model_validate(recipe).model_dump(mode="json")
    for kind, registry in (("network", NETWORKS), ("loss", LOSSES)):
        options = {key: value for key, value in found[kind].items() if key != "name"}
        name = found[kind]["name"]
        found[kind] = {"name": name, **registry.check(name, options)}
    return found


def _name_of(section: Any) -> Any:
    return section.get("name") if isinstance(section, Mapping) else None


def _photos(dataset: Mapping[str, Any]) -> str:
    counts = (f"{count} {split}" for split, count in dataset.get("counts", {}).items())
    return ", ".join([dataset["name"], dataset["digest"][:12], *counts])


def _interval(row: Mapping[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:.4g} to {row['high']:.4g}"
