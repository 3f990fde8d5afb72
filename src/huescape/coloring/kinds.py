"""The formats that results have, by the suffix of a name; Pillow's names stand for them."""

from __future__ import annotations

from functools import lru_cache

_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
}
# JPEG's of pictures with a second one in them, and of animations, which a result is not.
_OTHERS = (".mpo", ".apng", ".avifs")
#: What `--format` may be.
NAMES = {"jpg": "JPEG", "png": "PNG", "tiff": "TIFF", "webp": "WEBP"}
#: The longest side that a format can have.
LONGEST = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_535}
#: Those that keep transparency.
WITH_ALPHA = ("PNG", "TIFF", "WEBP", "AVIF")
#: Those of 16 bits a channel.
SIXTEEN_BITS = ("PNG", "TIFF")


def result_suffix(suffix: str, name: str | None = None) -> str:
    """The suffix of the result of a photo with `suffix`, as it is written where it can stay.

    `name` is one of NAMES that the result is to have; by default the format stays, or becomes PNG
    where it is not written.
    """
    kind = NAMES[name] if name else kind_of(suffix) or "PNG"
    if kind_of(suffix) == kind and suffix.lower() not in _OTHERS:
        return suffix
    return ".tiff" if kind == "TIFF" else _SUFFIXES[kind][0]


def kind_of(suffix: str) -> str | None:
    """The format of a suffix, in upper or lower case; None for one that is not written."""
    for kind, suffixes in _SUFFIXES.items():
        if suffix.lower() in suffixes:
            return kind if kind != "AVIF" or _writes_avif() else None
    return None


def written_suffixes() -> tuple[str, ...]:
    """Those that a result may have."""
    suffixes = [s for kind in _SUFFIXES.values() for s in kind if s not in _OTHERS]
    return tuple(suffix for suffix in suffixes if kind_of(suffix))


@lru_cache(maxsize=1)
def _writes_avif() -> bool:
    """Whether this Pillow was built with the encoder."""
    from PIL import features

    return bool(features.check("avif"))
