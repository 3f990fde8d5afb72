"""A message is one line, whatever a file is called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.photos import PhotoError


@given(name=st.text())
def test_any_name_gives_one_line_without_control_codes(name: str) -> None:
    for error in (HuescapeError(name), ParamsError(name), PhotoError("missing", name)):
        said = str(error)
        assert len(said.splitlines()) <= 1
        assert not any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 or c == "\x7f" for c in said)
        assert one_line(said) == said


def test_names_of_people_stay_as_they_are() -> None:
    for name in ("Übersee\u3000山/fjäll.jpg: gone", "C:\\photos", 'it\'s "one"'):
        assert str(HuescapeError(name)) == name
