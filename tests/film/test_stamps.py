"""Times rise, end where the film does, and keep what they can of broken ones."""

from __future__ import annotations

from fractions import Fraction

import av

from huescape.film.stamps import Clock, Stamp

BASE = Fraction(1, 1000)


def stamps(clock: Clock, times: list[int | None]) -> list[Stamp]:
    frames = []
    for at in times:
        frame = av.VideoFrame(16, 16, "gray")
        frame.pts = at
        frames.append(frame)
    found = list(clock.stamped(frames))
    assert [frame for _, frame in found] == frames
    return [stamp for stamp, _ in found]


def test_variable_times_stay_and_each_frame_lasts_until_the_next() -> None:
    found = stamps(Clock(BASE, BASE, end=150), [7, 10, 50, 51])
    assert found == [Stamp(7, 3), Stamp(10, 40), Stamp(50, 1), Stamp(51, 99)]


def test_another_time_base() -> None:
    clock = Clock(Fraction(1, 90000), Fraction(1, 25), Fraction(25))
    times = [48600 + 3600 * i for i in range(9)]  # half a frame off
    assert [s.at for s in stamps(clock, times)] == list(range(14, 23))
    assert clock.mended == 0


def test_frames_without_times_follow_at_the_usual_pace() -> None:
    clock = Clock(BASE, BASE, Fraction(25))
    assert [s.at for s in stamps(clock, [None, None, 100, None])] == [0, 40, 100, 140]
    assert clock.mended == 2


def test_times_that_do_not_rise_are_mended_and_counted() -> None:
    clock = Clock(BASE, BASE, Fraction(25))
    assert [s.at for s in stamps(clock, [10, 10, 5, 60])] == [10, 11, 12, 60]
    assert clock.mended == 2


def test_an_end_before_the_last_frame_is_not_believed() -> None:
    assert stamps(Clock(BASE, BASE, Fraction(25), end=5), [0, 40])[-1] == Stamp(40, 40)


def test_a_film_of_no_or_one_frame() -> None:
    assert stamps(Clock(BASE, BASE), []) == []
    assert stamps(Clock(BASE, BASE), [3]) == [Stamp(3, 1)]
