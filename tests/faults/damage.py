"""Damage to a file of a folder, as functions of the folder: what the corpora are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], object]


def flipped(name: str, share: float) -> Damage:
    """One bit is another, in the byte that lies at this share of the file."""

    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[min(int(share * len(content)), len(content) - 1)] ^= 0x40
        (folder / name).write_bytes(content)

    return damage


def cut(name: str, share: float) -> Damage:
    """Only this share of the file is left."""

    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return damage
