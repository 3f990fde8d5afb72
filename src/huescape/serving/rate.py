"""How fast a client may ask: a token bucket for each, in memory."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from huescape.serving.refusals import Refusal

_CLIENTS = 4096


class Rate:
    """Each client has `burst` to spend and gets `per_second` back, never more than `burst`.

    Of clients, the last 4096 are known. For one thread. `clock` gives seconds that only rise.
    """

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, address: str, cost: float) -> None:
        """Take `cost` from the client at `address`; Refusal 429 where that is not there."""
        client, now = _client(address), self._clock()
        then, left = self._left.pop(client, (now, self._burst))
        left = min(self._burst, left + (now - then) * self._per_second)
        enough = left >= cost
        self._left[client] = now, left - cost if enough else left
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        if not enough:
            raise Refusal(429, "too many requests; wait a moment", (cost - left) / self._per_second)


def _client(address: str) -> str:
    """The address, of IPv6 the network: its owner has as many addresses there as they like."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 6 and not ip.is_loopback:
        return str(ipaddress.ip_network((ip.packed, 64), strict=False))
    return address
