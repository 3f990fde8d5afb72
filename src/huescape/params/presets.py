"""Published recipes, by name, and what params.yaml changes of them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.params.messages import short
from huescape.params.sections import entries, read_entry, validate
from huescape.params.systems import FinetunedOverrides, SystemOverrides, SystemParams


def resolve_system(
    name: str, overrides: SystemOverrides, where: str = "params.yaml"
) -> SystemParams:
    """Apply the overrides of a system to its preset, section by section.

    Raises ParamsError for what is not allowed, and for another loss in place of one whose recipe
    states a reduction, if neither a reduction nor a weight decay is stated with it.
    """
    merged = preset(overrides.preset, f"{where}: {overrides.section}.{name}.preset")
    _refuse_silent_reduction(merged, overrides, f"{where}: {overrides.section}.{name}.loss")
    for key, value in overrides.model_dump(exclude_none=True).items():
        merged[key] = _merged(merged.get(key), value)
    for key in {"positions", "shuffle_shards"} & overrides.model_fields_set:  # null means all
        merged[key] = getattr(overrides, key)
    return validate(SystemParams, merged, where, (overrides.section, name))


def read_system(path: Path, name: str) -> SystemOverrides:
    """What the parameters in `path` say of a system; ParamsError where they say nothing."""
    kinds = SystemOverrides, FinetunedOverrides
    names = [key for kind in kinds for key in entries(path, kind.section)]
    if name not in names:
        raise ParamsError(
            f"{path}: {name} is not a system; allowed: {', '.join(sorted(names)) or 'none'}"
        )
    kind = SystemOverrides if name in entries(path, SystemOverrides.section) else FinetunedOverrides
    return read_entry(path, kind.section, name, kind)


def preset(name: str, where: str) -> dict[str, Any]:
    """Read a published recipe from the package; raises ParamsError for a name that is not there."""
    folder = resources.files("huescape") / "presets"
    names = sorted(p.name for p in folder.iterdir() if (p / "preset.yaml").is_file())
    if name not in names:
        raise ParamsError(f"{where}: {short(name)} is not a preset; allowed: {', '.join(names)}")
    file = folder / name / "preset.yaml"
    recipe = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return {**recipe, "preset": name}


def _refuse_silent_reduction(recipe: dict[str, Any], overrides: SystemOverrides, key: str) -> None:
    """A recipe whose loss is a sum has a weight decay for it; for a mean it is another decay."""
    old: Any = recipe.get("loss")
    new = overrides.loss
    reduction = old.get("reduction") if isinstance(old, dict) else None
    is_said = "reduction" in new or "weight_decay" in overrides.optimizer
    if reduction and not is_said and new.get("name", old["name"]) != old["name"]:
        raise ParamsError(
            f"{key}.reduction: is missing; preset {recipe['preset']} has reduction {reduction}, "
            "which its weight decay is made for, and another loss has to say its own; allowed: "
            "photo, pixel, or without it (chromagan has none) an optimizer.weight_decay"
        )


def _merged(old: Any, new: Any) -> Any:
    """The preset's section with the keys of the override; whole if it names another thing."""
    if not (isinstance(new, dict) and isinstance(old, dict)):
        return new
    if "name" in new and new["name"] != old.get("name"):
        return new
    return {**old, **new}
