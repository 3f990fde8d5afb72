"""How much the demo takes from whom, and for how long it keeps it."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE, MEGAPIXEL = 1_000_000, 1_000_000


@dataclass(frozen=True)
class Limits:
    """Bounds of one server; all of them hold memory, time or a client's share of it.

    Attributes:
        upload_bytes: of a photo's file.
        upload_seconds: in which a file has to arrive.
        pixels: of a photo, by its header, before it is decoded.
        photos: that are held at once; a new one takes the place of the one longest unused.
        seconds: for which a photo is held after it was last used.
        preview: longer side, in pixels, of what the browser shows.
        waiting: predictions and full-size pictures, the one at work included.
        moving: slider moves, those at work included.
        burst, per_second: what a client may spend at once, and gets back; costs are in `routes`.
    """

    upload_bytes: int = 20 * MEGABYTE
    upload_seconds: float = 60.0
    pixels: int = 40 * MEGAPIXEL
    photos: int = 16
    seconds: float = 600.0
    preview: int = 1024
    waiting: int = 8
    moving: int = 32
    burst: float = 240.0
    per_second: float = 60.0
