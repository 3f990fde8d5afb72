"""A few values by tokens that nobody can guess, each forgotten after a while without use."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from huescape.serving.refusals import Refusal

T = TypeVar("T")

# Tokens, to tell what was forgotten from what never was.
_REMEMBERED = 1000


class Store(Generic[T]):
    """At most `most` values in memory; the one longest unused goes first, and all go in time.

    For one thread. `clock` gives seconds that only rise.
    """

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._held: OrderedDict[str, tuple[float, T]] = OrderedDict()  # the longest unused first
        self._gone: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def put(self, value: T) -> str:
        """Keep `value`; its token has 256 random bits."""
        self.sweep()
        while len(self._held) >= self._most:
            self._forget(next(iter(self._held)))
        token = secrets.token_urlsafe(32)
        self._held[token] = self._clock() + self._seconds, value
        return token

    def get(self, token: str) -> T:
        """The value, which counts as used; Refusal 410 for one that is gone, 404 for no token."""
        self.sweep()
        if token in self._gone:
            raise Refusal(410, "the photo is no longer held; choose it again")
        if token not in self._held:
            raise Refusal(404, "no such photo")
        value = self._held[token][1]
        self._held[token] = self._clock() + self._seconds, value
        self._held.move_to_end(token)
        return value

    def drop(self, token: str) -> None:
        """Forget at once; a token that is not there is no error."""
        if token in self._held:
            self._forget(token)

    def sweep(self) -> None:
        """Forget what was not used in time."""
        now = self._clock()
        while self._held and next(iter(self._held.values()))[0] <= now:
            self._forget(next(iter(self._held)))

    def _forget(self, token: str) -> None:
        del self._held[token]
        self._gone[token] = None
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
