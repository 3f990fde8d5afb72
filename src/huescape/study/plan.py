"""Which person sees what: the trials of a session, by the seed of the study and its number alone.

Photos are held apart by what they are for: practice, catch trials, and the trials that count. The
last are shared out in blocks, one for each session, and a round is over when every block was seen.
A photo's treatments, a system and whether its colors come first or second, follow a Latin square of
photos and rounds: the table of the group Z_K x Z_2, whose rows and columns are in such an order
that after any number of rounds no photo has met a system, an order, or a system in an order more
often than another one by more than one. Within a session the same holds of its trials, but for
orders alone, which may differ by two.

What looks random is: things sorted by SHA-256 of the seed, of what they are for, and of their
number; the same on every machine and with every version of every library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

from huescape.base.errors import ParamsError

Kind = Literal["practice", "catch", "test"]
T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One pair: a photo as it is, and as a system colors it.

    Attributes:
        kind: only `test` says something of a system.
        photo: its number in the design.
        system: its number; None in a catch trial, whose colors are another photo's.
        fake_first: whether the colored one is shown before the real one.
    """

    kind: Kind
    photo: int
    system: int | None
    fake_first: bool


@dataclass(frozen=True)
class Design:
    """What is the same for all sessions of a study.

    Attributes:
        seed: of everything that is drawn.
        systems, photos: how many there are.
        practice: trials of a session before those that count.
        trials: of a session, after practice, catch trials among them.
        catch: of these, so many are catch trials.
    """

    seed: int
    systems: int
    photos: int
    practice: int = 10
    trials: int = 40
    catch: int = 4

    def check(self) -> None:
        """Raise ParamsError where no session can be made."""
        if self.systems < 1:
            raise ParamsError("no system to study; allowed: at least one")
        if self.practice < 0:
            raise ParamsError(f"--practice is {self.practice}; allowed: at least 0")
        if self.trials < 1:
            raise ParamsError(f"--trials is {self.trials}; allowed: at least 1")
        if not 0 <= self.catch < self.trials:
            raise ParamsError(f"--catch is {self.catch}; allowed: 0 to {self.trials - 1}")
        needed = self.practice + self.trials
        if self.photos < needed:
            raise ParamsError(
                f"{self.photos} photos can be shown, and a session shows {needed}, each once; "
                "allowed: more photos, or lower --practice or --trials"
            )

    @property
    def block(self) -> int:
        """Trials of a session that say something of a system."""
        return self.trials - self.catch

    @property
    def blocks(self) -> int:
        """Sessions of a round, in which every photo that counts is seen once."""
        return len(self._kept[2]) // self.block

    @property
    def practice_photos(self) -> list[int]:
        """Photos of practice, the same in every session."""
        return self._kept[0]

    @property
    def catch_photos(self) -> list[int]:
        """Photos of catch trials, the same in every session."""
        return self._kept[1]

    @property
    def test_photos(self) -> list[int]:
        """Photos that count; what is too few for another block is not shown."""
        return self._kept[2]

    @cached_property
    def _kept(self) -> tuple[list[int], list[int], list[int]]:
        found = shuffled(range(self.photos), self.seed, "photos")
        first, second = self.practice, self.practice + self.catch
        whole = (self.photos - second) // self.block * self.block
        return found[:first], found[first:second], found[second : second + whole]

    def donor(self, photo: int, candidates: int) -> list[int]:
        """So many other photos, or all, whose colors a catch trial of this photo may take."""
        others = [other for other in range(self.photos) if other != photo]
        return shuffled(others, self.seed, "donor", photo)[:candidates]

    def session(self, number: int) -> list[Trial]:
        """The trials of a session, numbered from 0, in the order in which they are shown."""
        practice = [
            self._treated("practice", photo, place + number)
            for place, photo in enumerate(self.practice_photos)
        ]
        practice = shuffled(practice, self.seed, "practice", number)
        return practice + self._with_catches(self._in_order(number), number)

    def _block(self, number: int) -> list[Trial]:
        """The trials of a session that count, in no particular order."""
        turn, place = divmod(number, self.blocks)
        start = place * self.block
        return [
            self._treated("test", self._photo_at(slot, turn), slot, turn)
            for slot in range(start, start + self.block)
        ]

    def _photo_at(self, slot: int, turn: int) -> int:
        """The photo of a slot in a round: slots of one row of the Latin square change photos."""
        rows = 2 * self.systems
        alike = self.test_photos[slot % rows :: rows]
        return shuffled(alike, self.seed, "turn", turn, slot % rows)[slot // rows]

    def _treated(self, kind: Kind, photo: int, row: int, turn: int = 0) -> Trial:
        """A photo in its row of the Latin square, at the round's column of it."""
        swapped = self._order(row) + self._order(turn)
        return Trial(kind, photo, (row + turn) % self.systems, swapped % 2 == 1)

    def _order(self, step: int) -> int:
        """0 or 1 in turn; so that 2 K steps meet each system in both, changed after an even K."""
        return step + (step // self.systems if self.systems % 2 == 0 else 0)

    def _in_order(self, number: int) -> list[Trial]:
        """In each stretch of K trials every system once; over K sessions, at each place of it."""
        left = {
            system: shuffled(
                [trial for trial in self._block(number) if trial.system == system],
                *(self.seed, "order", number, system),
            )
            for system in range(self.systems)
        }
        found: list[Trial] = []
        group, shift = divmod(number, self.systems)
        for stretch in range(self.block):
            systems = shuffled(range(self.systems), self.seed, "systems", group, stretch)
            for system in systems[shift:] + systems[:shift]:
                if left[system]:
                    found.append(left[system].pop())
        return found

    def _with_catches(self, trials: list[Trial], number: int) -> list[Trial]:
        """Catch trials among the others: one in each of as many equal parts of the session."""
        photos = shuffled(self.catch_photos, self.seed, "catch", number)
        found = list(trials)
        for place, photo in enumerate(photos):
            start, end = (self.trials * edge // self.catch for edge in (place, place + 1))
            at = shuffled(range(start, end), self.seed, "place", number, place)[0]
            fake_first = (place + number) % 2 == 1
            found.insert(at, Trial("catch", photo, None, fake_first))
        return found


def shuffled(items: Sequence[T], *key: object) -> list[T]:
    """The items in an order that depends on the key alone, and on how many there are."""
    words = "/".join(map(str, key))
    digests = [hashlib.sha256(f"{words}/{k}".encode()).digest() for k in range(len(items))]
    return [items[k] for k in sorted(range(len(items)), key=digests.__getitem__)]
