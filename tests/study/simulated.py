"""Simulated answers: people who are fooled by chance, with rates that are known."""

from __future__ import annotations

import numpy as np

from huescape.study.plan import Design
from huescape.study.store import Answer

NAMES = ("landscape", "other", "third")


def simulate(
    design: Design,
    people: int,
    rates: tuple[float, ...],
    seed: int,
    caught: float = 1.0,
    people_sd: float = 0.0,
    photos_sd: float = 0.0,
) -> list[Answer]:
    """Answers of `people` sessions of a real plan.

    Args:
        rates: how often a system fools people, on average.
        caught: how often a catch trial does not.
        people_sd, photos_sd: by how much people and photos differ from each other in that.
    """
    generator = np.random.default_rng(seed)
    of_people = generator.normal(0, people_sd, people)
    of_photos = generator.normal(0, photos_sd, design.photos)
    found = []
    for number in range(people):
        trials = design.session(number)
        for place, trial in enumerate(trials):
            rate = 1 - caught
            if trial.system is not None:
                rate = rates[trial.system] + of_people[number] + of_photos[trial.photo]
            fooled = bool(generator.random() < rate)
            fake, real = (1, 2) if trial.fake_first else (2, 1)
            system = "random" if trial.system is None else NAMES[trial.system]
            found.append(
                Answer(
                    number,
                    place,
                    len(trials),
                    trial.kind,
                    f"p{trial.photo:03d}.jpg",
                    system,
                    trial.fake_first,
                    real if fooled else fake,
                    float(generator.integers(300, 3000)),
                    1000.0,
                    1000.0,
                    1,
                )
            )
    return found
