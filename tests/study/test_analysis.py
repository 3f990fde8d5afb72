"""The analysis against simulated answers whose rates are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huescape.study.analysis import Study
from huescape.study.people import counted, judged
from huescape.study.plan import Design
from tests.study.simulated import simulate

DESIGN = Design(0, 2, 90)


def reference(answers: list, groups: list, system: str, resamples: int) -> float:
    """The variance of a share when whole groups are drawn again, one draw after the other."""
    generator = np.random.default_rng(99)
    names = sorted(set(groups))
    shares = []
    for _ in range(resamples):
        drawn = [names[k] for k in generator.integers(0, len(names), len(names))]
        again = [
            one.is_fooled
            for name in drawn
            for one, group in zip(answers, groups, strict=True)
            if group == name and one.system == system
        ]
        if again:
            shares.append(np.mean(again))
    return float(np.var(shares)) * len(names) / (len(names) - 1)


def test_shares_are_those_of_the_answers() -> None:
    answers = counted(simulate(DESIGN, 60, (0.3, 0.1), seed=1))
    study = Study(answers)
    assert study.systems == ["landscape", "other"]
    for system, rate in (("landscape", 0.3), ("other", 0.1)):
        found = study.of_system(system)
        mine = [answer for answer in answers if answer.system == system]
        assert (found.trials, found.people, found.photos) == (1080, 60, 72)
        assert found.share == np.mean([answer.is_fooled for answer in mine])
        assert found.share == pytest.approx(rate, abs=0.04)
        assert found.low is not None
        assert found.high is not None
        assert found.low < rate < found.high
        assert 0.03 < found.high - found.low < 0.12
    difference = study.differences()["landscape", "other"]
    assert difference.value == pytest.approx(0.2, abs=0.05)
    assert difference.low is not None
    assert difference.low > 0.1


def test_the_variance_is_that_of_people_and_of_photos() -> None:
    answers = counted(
        simulate(Design(3, 2, 30, 2, 12, 2), 14, (0.4, 0.2), 5, people_sd=0.15, photos_sd=0.15)
    )
    study = Study(answers)
    for system in study.systems:
        found = study.of_system(system)
        assert found.low is not None
        assert found.high is not None
        own = found.share * (1 - found.share) / found.trials
        over = [
            reference(answers, [one.session for one in answers], system, 1500),
            reference(answers, [one.photo for one in answers], system, 1500),
        ]
        expected = max(sum(over) - own, *over)
        # Wilson's ends are where the share is as many deviations away as the quantile says.
        effective = min(found.trials, found.share * (1 - found.share) / expected)
        for end in (found.low, found.high):
            deviation = np.sqrt(end * (1 - end) / effective)
            away = abs(end - found.share) / deviation
            assert away == pytest.approx(2.160, rel=0.05)  # Student's t of 13 degrees of freedom


@pytest.mark.parametrize("sd", [0.0, 0.12])
def test_intervals_cover_what_they_should(sd: float) -> None:
    """Other people and other photos in every simulated study, 300 of them."""
    design, covered = Design(0, 2, 50, 0, 20, 2), []
    for seed in range(300):
        answers = simulate(design, 16, (0.35, 0.25), seed, people_sd=sd, photos_sd=sd)
        study = Study(counted(answers), resamples=300)
        for system, rate in (("landscape", 0.35), ("other", 0.25)):
            found = study.of_system(system)
            assert found.low is not None
            assert found.high is not None
            covered.append(found.low <= rate <= found.high)
        difference = study.differences()["landscape", "other"]
        assert difference.low is not None
        assert difference.high is not None
        covered.append(difference.low <= 0.1 <= difference.high)
    assert 0.925 <= np.mean(covered) <= 0.985


def test_nobody_fooled_and_everybody_fooled_have_intervals() -> None:
    found = Study(counted(simulate(DESIGN, 10, (0.0, 1.0), seed=1)))
    never, always = found.of_system("landscape"), found.of_system("other")
    assert (never.share, never.low) == (0, 0)
    assert never.high is not None
    assert 0.01 < never.high < 0.05
    assert (always.share, always.high) == (1, pytest.approx(1))
    assert always.low is not None
    assert always.low == pytest.approx(1 - never.high)


def test_one_person_has_no_interval() -> None:
    study = Study(counted(simulate(DESIGN, 1, (0.5, 0.5), seed=1)))
    found = study.of_system("landscape")
    assert (found.people, found.low, found.high) == (1, None, None)
    assert study.differences()["landscape", "other"].low is None
    assert all(share.low is None for share in study.of_photos().values())


def test_photos_are_told_apart() -> None:
    answers = [
        replace(answer, chosen=3 - answer.chosen) if answer.photo == "p003.jpg" else answer
        for answer in counted(simulate(Design(0, 2, 12, 0, 11, 1), 12, (0.0, 0.0), seed=1))
    ]
    assert any(answer.photo == "p003.jpg" for answer in answers)
    for (photo, _), share in Study(answers).of_photos().items():
        assert share.share == (1 if photo == "p003.jpg" else 0)
        assert (share.trials, share.photos) == (6, 1)
        assert share.low is not None
        assert share.high is not None
        assert share.high - share.low < 0.6


def test_a_photo_has_wilsons_interval() -> None:
    """4 of 10, by hand: Wilson's center and half with the 2.2622 deviations of ten people."""
    answers = counted(simulate(Design(0, 1, 4, 0, 4, 0), 10, (0.0,), seed=1))
    answers = [replace(a, chosen=3 - a.chosen) if a.session < 4 else a for a in answers]
    share = Study(answers).of_photos()["p000.jpg", "landscape"]
    assert (share.fooled, share.people) == (4, 10)
    assert share.low == pytest.approx(0.1468, abs=0.0001)
    assert share.high == pytest.approx(0.7209, abs=0.0001)


def test_no_answer_is_no_study() -> None:
    study = Study([])
    assert study.systems == []
    assert study.differences() == study.of_photos() == {}
    assert judged([]) == []
