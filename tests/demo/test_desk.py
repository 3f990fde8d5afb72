"""Threads and places for those who wait for them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from huescape.demo.desk import Desk
from huescape.serving.refusals import Refusal


def test_one_thread_does_one_thing_at_a_time() -> None:
    desk, at_work, most = Desk(1, 9, 5), 0, 0

    def work() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        threading.Event().wait(0.01)
        at_work -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*(desk.run(work) for _ in range(5)))

    asyncio.run(all_of_them())
    assert most == 1
    desk.close()


def test_whoever_finds_no_place_is_told_to_come_again() -> None:
    desk = Desk(1, 2, 7)
    with desk.place():
        with desk.place(), pytest.raises(Refusal, match="in a moment") as caught, desk.place():
            pass
        assert (caught.value.status, caught.value.retry_after) == (503, 7)
        with desk.place():
            pass
    desk.close()


def test_a_place_is_free_again_after_an_error_and_the_error_arrives() -> None:
    desk = Desk(1, 1, 7)

    def fail() -> None:
        raise ValueError("no")

    async def use() -> None:
        with desk.place():
            await desk.run(fail)

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            asyncio.run(use())
    assert not desk.busy
    desk.close()


def test_it_knows_whether_a_thread_is_at_work() -> None:
    desk, started, go_on = Desk(1, 2, 7), threading.Event(), threading.Event()

    def work() -> bool:
        started.set()
        return go_on.wait(60)

    async def use() -> None:
        task = asyncio.create_task(desk.run(work))
        await asyncio.to_thread(started.wait, 60)
        assert desk.busy
        go_on.set()
        assert await task

    asyncio.run(use())
    assert not desk.busy
    desk.close()
