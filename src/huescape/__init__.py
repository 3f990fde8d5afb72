"""huescape: a reproducible data and training pipeline for automatic image colorization."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huescape.coloring.colorizer import Colorizer

__all__ = ["Colorizer"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Colorizer`, and torch with it, once it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # No import statement: what follows those for the code of a stage would follow this one, too.
    from importlib import import_module

    return getattr(import_module("huescape.coloring.colorizer"), name)
