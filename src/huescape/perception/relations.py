"""Which classifiers a system is built on: what they say of its colors is no second opinion."""

from __future__ import annotations

from huescape.systems.system import System

# What the loss takes for its teacher unless the parameters name another.
_TEACHER = "efficientnet_lite0"


def relations(system: System) -> dict[str, str]:
    """{classifier: `encoder` or `teacher`}, by the name of the architecture, of any weights."""
    found = {}
    loss = system.params.loss
    if loss.name == "chromagan":
        found[_architecture(str(loss.options.get("teacher", _TEACHER)))] = "teacher"
    if system.network.pretrained:
        found[_architecture(system.network.pretrained)] = "encoder"
    return found


def _architecture(name: str) -> str:
    return name.partition(":")[0]
