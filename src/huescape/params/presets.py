"""Published recipes, by name, and what params.yaml changes of them."""

from __future__ import annotations

from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from huescape.base.errors import ParamsError
from huescape.params.messages import short
from huescape.params.sections import validate
from huescape.params.systems import SystemOverrides, SystemParams


def resolve_system(
    name: str, overrides: SystemOverrides, where: str = "params.yaml"
) -> SystemParams:
    """Apply the overrides of `systems.<name>` to its preset, section by section."""
    merged = preset(overrides.preset, f"{where}: systems.{name}.preset")
    for key, value in overrides.model_dump(exclude_none=True).items():
        merged[key] = _merged(merged.get(key), value)
    return validate(SystemParams, merged, where, ("systems", name))


def preset(name: str, where: str) -> dict[str, Any]:
    """Read a published recipe from the package; raises ParamsError for a name that is not there."""
    folder = resources.files("huescape") / "presets"
    names = sorted(p.name for p in folder.iterdir() if (p / "preset.yaml").is_file())
    if name not in names:
        raise ParamsError(f"{where}: {short(name)} is not a preset; allowed: {', '.join(names)}")
    file = folder / name / "preset.yaml"
    recipe = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return {**recipe, "preset": name}


def _merged(old: Any, new: Any) -> Any:
    """The preset's section with the keys of the override; whole if it names another thing."""
    if not (isinstance(new, dict) and isinstance(old, dict)):
        return new
    if "name" in new and new["name"] != old.get("name"):
        return new
    return {**old, **new}
