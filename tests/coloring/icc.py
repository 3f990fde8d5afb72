"""Color profiles (ICC) made by hand: of curves and a matrix, of gray, and of inks by a table."""

from __future__ import annotations

import struct
from itertools import product

import numpy as np

# Primaries of Adobe RGB (1998), adapted to D50: XYZ of red, green and blue.
ADOBE_RGB = np.array(
    [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
)
ADOBE_GAMMA = 563 / 256


def gamma_curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def table_curve(values: np.ndarray) -> bytes:
    levels = np.rint(values * 65535).astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", len(levels)) + levels.tobytes()


def parametric_curve(kind: int, *numbers: float) -> bytes:
    fixed = [round(number * 65536) for number in numbers]
    return b"para" + bytes(4) + struct.pack(f">HH{len(fixed)}i", kind, 0, *fixed)


def rgb_profile(curve: bytes, primaries: np.ndarray = ADOBE_RGB) -> bytes:
    tags = {
        name + b"XYZ": _xyz(xyz) for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=True)
    }
    return _profile(
        b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    )


def gray_profile(curve: bytes) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def ink_profile() -> bytes:
    """Whatever the inks, gray: the lighter, the less cyan there is and the less black."""
    nodes = [
        (round(255 * (1 - cyan) * (1 - black)), 128, 128)
        for cyan, _, _, black in product((0, 1), repeat=4)
    ]
    line = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (k % 4 == 0) for k in range(9)))
    table = (
        b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + line * 4
        + bytes(np.array(nodes, np.uint8).reshape(-1)) + line * 3
    )  # fmt: skip
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table, b"A2B1": table})


def _profile(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(np.array([0.9642, 1.0, 0.8249])), **tags}
    entries, data = b"", b""
    begin = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        entries += struct.pack(">4sII", name, begin + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + entries + data
    header = struct.pack(">I4sI4s4s4s", 128 + len(body), b"none", 0x02400000, kind, space, pcs)
    header += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + body


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))
