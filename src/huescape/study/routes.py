"""What each request to a study does.

No address and no answer says which picture is real, but for the answers to practice trials.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import Request, Response

from huescape.serving.rate import Rate
from huescape.serving.refusals import Refusal
from huescape.study.limits import Limits
from huescape.study.messages import Choice, Consent, M, read
from huescape.study.pictures import Pictures
from huescape.study.plan import Design, Trial
from huescape.study.store import Answer, Store

#: How long a picture is shown, and the screen is empty between two of them.
SHOWN_MS, EMPTY_MS = 1000, 500
#: What `Answer.system` is called in a catch trial.
RANDOM = "random"
# What a client spends of its `burst`; whoever began sessions at will would spoil the plan.
_SESSION, _PICTURE, _SMALL = 60.0, 2.0, 1.0
_SESSIONS = 256


@dataclass(frozen=True)
class Study:
    """What people are shown: the plan, the names of photos and systems, and the pictures."""

    design: Design
    photos: Sequence[str]
    systems: Sequence[str]
    pictures: Pictures


class Routes:
    """The answers to requests; what has to last is in the store."""

    def __init__(self, study: Study, store: Store, limits: Limits) -> None:
        self.study, self.store, self.limits = study, store, limits
        self._rate = Rate(limits.burst, limits.per_second)
        self._plan = lru_cache(_SESSIONS)(study.design.session)

    async def about(self) -> dict[str, int]:
        """What the page has to know before anybody begins."""
        design = self.study.design
        return {
            "practice": design.practice,
            "trials": design.trials,
            "shown_ms": SHOWN_MS,
            "empty_ms": EMPTY_MS,
        }

    async def begin(self, request: Request) -> dict[str, str]:
        """Begin a session for somebody who consents."""
        self._spend(request, _SESSION)
        await self._message(request, Consent)
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        return {"token": self.store.begin(day)}

    async def state(self, request: Request, token: str) -> dict[str, int]:
        """Where a session is: the number of the next trial, from 0, which may be one past all."""
        self._spend(request, _SMALL)
        return {"next": self.store.answered(self._session(token))}

    async def picture(self, request: Request, token: str, trial: int, place: int) -> Response:
        """One of the two pictures of the trial whose turn it is."""
        self._spend(request, _PICTURE)
        shown = self._turn(self._session(token), trial)
        if place not in (1, 2):
            raise Refusal(404, "no such picture; allowed: 1 and 2")
        return Response(self.study.pictures.shown(shown, place), media_type="image/png")

    async def answer(self, request: Request, token: str, trial: int) -> dict[str, Any]:
        """Keep an answer; the same one may be sent again, and counts once."""
        self._spend(request, _SMALL)
        session = self._session(token)
        choice = await self._message(request, Choice)
        self._refuse_number(session, trial)
        kept = self.store.answer(session, trial)
        if kept is None:
            kept = self.store.keep(self._as_answer(session, trial, choice))
        if kept.chosen != choice.fake:
            raise Refusal(409, f"trial {trial} is answered already")
        found: dict[str, Any] = {"next": trial + 1}
        if kept.kind == "practice":
            found["fake"] = 1 if kept.fake_first else 2
        return found

    def _as_answer(self, session: int, trial: int, choice: Choice) -> Answer:
        shown = self._turn(session, trial)
        return Answer(
            session,
            trial,
            len(self._plan(session)),
            shown.kind,
            self.study.photos[shown.photo],
            RANDOM if shown.system is None else self.study.systems[shown.system],
            shown.fake_first,
            choice.fake,
            choice.reaction_ms,
            choice.first_ms,
            choice.second_ms,
            choice.looks,
        )

    def _turn(self, session: int, trial: int) -> Trial:
        """The trial of this number; Refusal where it is not the next one."""
        self._refuse_number(session, trial)
        trials, turn = self._plan(session), self.store.answered(session)
        if trial != turn:
            said = "the session is over" if turn == len(trials) else f"it is the turn of {turn}"
            raise Refusal(409, f"trial {trial} is not at hand; {said}")
        return trials[trial]

    def _refuse_number(self, session: int, trial: int) -> None:
        trials = len(self._plan(session))
        if not 0 <= trial < trials:
            raise Refusal(404, f"no trial {str(trial)[:20]}; allowed: 0 to {trials - 1}")

    def _session(self, token: str) -> int:
        session = self.store.session(token)
        if session is None:
            raise Refusal(404, "no such session")
        return session

    def _spend(self, request: Request, cost: float) -> None:
        self._rate.spend(request.client.host if request.client else "", cost)

    async def _message(self, request: Request, kind: type[M]) -> M:
        """The body as a message; Refusal 413 for too much of it, 408 for one that does not come."""
        most, data = self.limits.body_bytes, bytearray()
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                async for chunk in request.stream():
                    data += chunk
                    if len(data) > most:
                        raise Refusal(413, f"the body is too large; allowed: {most:,} bytes")
        except TimeoutError:
            raise Refusal(408, "the body took too long to arrive") from None
        return read(kind, bytes(data))
