"""What a corpus of photos expects of each, and how that is checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from huescape.photos import PhotoError, decode_photo, open_photo, oriented_size

BAD, ODD, LARGE = "undecodable", "unsupported", "too_large"


@dataclass(frozen=True)
class Case:
    """want: the reason, or the size as seen; left: the color at the left; says: of the detail."""

    name: str
    data: bytes
    want: str | tuple[int, int]
    left: tuple[int, int, int] | None = None
    says: str = ""


def check(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    """One verdict by all readers; a detail of one line; nothing printed by any library."""
    for read in (open_photo, decode_photo):
        try:
            pixels_HWC = np.asarray(read(case.data))
        except PhotoError as error:
            verdict: str | tuple[int, int] = error.reason
            detail = error.detail
        else:
            verdict, detail = (pixels_HWC.shape[1], pixels_HWC.shape[0]), ""
            if case.left is not None:
                np.testing.assert_allclose(pixels_HWC[0, 0, :3].astype(int), case.left, atol=3)
        assert verdict == case.want
        assert case.says in detail
        assert detail.isprintable()
        assert bool(detail) == isinstance(verdict, str)
    if not isinstance(case.want, str):
        assert oriented_size(case.data) == case.want
    assert capfd.readouterr().err == ""
