"""What a logged model needs to be installed where it is served."""

from __future__ import annotations

import importlib.metadata

SERVED_WITH = (
    "torch",
    "safetensors",
    "numpy",
    "scipy",
    "pillow",
    "pydantic",
    "ruamel.yaml",
    "tqdm",
)


def requirements() -> list[str]:
    """What the model's code imports, at the versions of this environment."""
    pinned = []
    for name in SERVED_WITH:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        pinned.append(f"{name}=={version.split('+')[0]}")  # "+cpu" is in no public index
    return pinned
