"""Whatever a decoder does on bad bytes, as one PhotoError that tells the true reason."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from PIL import Image, UnidentifiedImageError

from huescape.base.errors import HuescapeError
from huescape.base.memory import explained_by, is_out_of_memory
from huescape.photos.formats import why_not_opened
from huescape.photos.reading import PhotoError
from huescape.photos.stderr import heard

#: Pillow's own limit, which keeps a small file from filling the memory: 256 MiB of RGB.
MAX_PIXELS = 89_478_485
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@contextmanager
def decoder_errors(data: bytes, max_pixels: int) -> Iterator[None]:
    """Turn whatever a decoder raises on `data` into a PhotoError; its warnings are not ours.

    Inside, Pillow refuses pictures of more than `max_pixels` (a setting of the whole process, so
    not for several threads). libtiff, the only library that prints, is heard instead.
    """
    said: list[str] = []
    before = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = max_pixels
        with _listening(data) as said, _no_warnings():
            yield
    except PhotoError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PhotoError("too_large", _too_large(str(error), max_pixels)) from error
    except UnidentifiedImageError as error:
        with _listening(data), _no_warnings():
            reason = why_not_opened(data)
        raise PhotoError(*reason) from error
    except Exception as error:  # decoders raise anything: ValueError, SyntaxError, struct.error
        if is_out_of_memory(error):  # says nothing about the photo
            raise
        raise PhotoError(*_explained(error, said)) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def enough_memory(path: str) -> AbstractContextManager[None]:
    """Raise HuescapeError, naming the photo, where memory runs out: that is no verdict on it."""
    return explained_by(
        lambda: HuescapeError(
            f"{path}: too little memory to decode it; fewer workers need less (environment "
            "variable HUESCAPE_WORKERS), and a lower filter.max_pixels leaves it out"
        )
    )


def _listening(data: bytes) -> AbstractContextManager[list[str]]:
    return heard() if data.startswith(_TIFF) else nullcontext([])


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _too_large(text: str, max_pixels: int) -> str:
    found = re.search(r"\((\d+) pixels\)", text)
    many = f"{int(found[1]):,} pixels" if found else "too many pixels"
    return f"{many}; the limit is {max_pixels:,} pixels"


def _explained(error: Exception, said: list[str]) -> tuple[str, str]:
    text = " ".join(str(error).split()) or type(error).__name__
    if "text chunk" in text.lower() or "MAX_TEXT_CHUNK" in text:
        return "unsupported", "its texts (XMP, comments) are larger than 64 MiB"
    # A library's error comes last, after its warnings.
    heard_error = next((line for line in reversed(said) if "Warning" not in line), "")
    if heard_error:
        text = f"{text}; {heard_error.rstrip('.').strip()}"
    return "unsupported" if "not available" in text else "undecodable", text
