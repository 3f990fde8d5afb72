"""One photo: its bytes, decoded and fitted into a square.

Embedded color profiles are ignored: pixels are taken as sRGB, as is usual with these datasets.
"""

from huescape.photos.decoding import decode_photo, open_photo, oriented_size
from huescape.photos.errors import MAX_PIXELS
from huescape.photos.fitting import fit
from huescape.photos.reading import PhotoError, read_bytes

__all__ = [
    "MAX_PIXELS",
    "PhotoError",
    "decode_photo",
    "fit",
    "open_photo",
    "oriented_size",
    "read_bytes",
]
