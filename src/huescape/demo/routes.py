"""The pages and the photos of the demo: what each request does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request, Response

from huescape.demo.desk import Desk
from huescape.demo.limits import MEGABYTE, Limits
from huescape.demo.photo import Look, SeenPhoto, encoded, quick
from huescape.demo.queries import MOST_HINTS, STRONGEST, LookQuery, ResultQuery
from huescape.demo.store import Store
from huescape.params.decodings import Decoding
from huescape.serving.rate import Rate
from huescape.serving.refusals import Refusal
from huescape.systems.system import System

PAGE = Path(__file__).parent / "page"
# What a client spends of its `burst`.
_UPLOAD, _DOWNLOAD, _HINTED, _MOVE = 40.0, 20.0, 2.0, 1.0


@dataclass(frozen=True)
class Model:
    """What colors: a system, what people call it, and its usual decoding."""

    system: System
    name: str
    decoding: Decoding

    @property
    def is_regression(self) -> bool:
        """Whether there is no distribution to decode."""
        return self.system.head == "chroma"


class Routes:
    """The state of one server, all of it in memory, and the answers to its requests.

    Attributes:
        heavy: predictions and full-size pictures, one at a time; decoders are for one thread.
        light: slider moves, which need not wait for them.
    """

    def __init__(self, model: Model, limits: Limits) -> None:
        self.model, self.limits = model, limits
        self.photos: Store[SeenPhoto] = Store(limits.photos, limits.seconds)
        self.heavy = Desk(1, limits.waiting, 5)
        self.light = Desk(2, limits.moving, 1)
        self._rate = Rate(limits.burst, limits.per_second)

    def warm_up(self) -> None:
        """Have kernels loaded and libraries ready before the first photo comes."""
        gray_HW3 = np.full((64, 64, 3), 128, np.uint8)
        limits, data = self.limits, encoded(gray_HW3, "png")
        photo = SeenPhoto(self.model.system, data, max(limits.pixels, gray_HW3.size), 64)
        quick(photo.preview(Look(self.model.decoding)))

    async def about(self) -> dict[str, Any]:
        """The model, and what the page has to know of the limits."""
        decoding = self.model.decoding
        return {
            "name": self.model.name,
            "regression": self.model.is_regression,
            "method": decoding.method,
            "temperature": decoding.temperature,
            "tau": decoding.tau,
            "strongest": STRONGEST,
            "hints": MOST_HINTS,
            "upload_bytes": self.limits.upload_bytes,
            "pixels": self.limits.pixels,
            "seconds": self.limits.seconds,
        }

    async def upload(self, request: Request) -> dict[str, Any]:
        """Take the body as a photo's file, let the network see it, and keep it for a while."""
        self._spend(request, _UPLOAD)
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise Refusal(415, "a form is not read; allowed: the file itself as the body")
        with self.heavy.place():
            data = await self._body(request)
            limits, system = self.limits, self.model.system
            see = partial(SeenPhoto, system, data, limits.pixels, limits.preview)
            photo = await self.heavy.run(see)
        width, height = photo.size
        return {"token": self.photos.put(photo), "width": width, "height": height}

    async def preview(
        self, request: Request, token: str, query: Annotated[LookQuery, Query()]
    ) -> Response:
        """A small JPEG; the network does not run."""
        self._spend(request, _HINTED if query.hint else _MOVE)
        photo, look = self.photos.get(token), self._look(query)
        with self.light.place():
            data = await self.light.run(lambda: quick(photo.preview(look)))
        return Response(data, media_type="image/jpeg")

    async def result(
        self, request: Request, token: str, query: Annotated[ResultQuery, Query()]
    ) -> Response:
        """A file to keep, in the photo's own size or the preview's."""
        self._spend(request, _DOWNLOAD)
        photo, look = self.photos.get(token), self._look(query)
        painted = photo.full if query.size == "full" else photo.preview
        with self.heavy.place():
            data = await self.heavy.run(lambda: encoded(painted(look), query.format))
        suffix = "jpg" if query.format == "jpeg" else query.format
        headers = {"Content-Disposition": f'attachment; filename="colored.{suffix}"'}
        return Response(data, media_type=f"image/{query.format}", headers=headers)

    async def forget(self, token: str) -> Response:
        """Forget a photo now."""
        self.photos.drop(token)
        return Response(status_code=204)

    def _look(self, query: LookQuery) -> Look:
        return query.look(self.model.decoding, self.model.is_regression)

    def _spend(self, request: Request, cost: float) -> None:
        self._rate.spend(request.client.host if request.client else "", cost)

    async def _body(self, request: Request) -> bytes:
        """All of the body; Refusal 413 for too much, at once where its length is said, and 408."""
        most = self.limits.upload_bytes
        too_much = Refusal(413, f"the file is too large; allowed: at most {most / MEGABYTE:g} MB")
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            raise too_much
        data = bytearray()
        try:
            async with asyncio.timeout(self.limits.upload_seconds):
                async for chunk in request.stream():
                    data += chunk
                    if len(data) > most:
                        raise too_much
        except TimeoutError:
            raise Refusal(408, "the file took too long to arrive") from None
        return bytes(data)
