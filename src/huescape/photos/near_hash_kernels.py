"""The search for near hashes among those whose bands are alike, compiled (see `near_hashes`).

Integers only. Shape suffixes: N hashes, V values of a band, M differences, E bands, X pairs.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]

_ONE = np.uint64(1)
_FIFTHS, _THIRDS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_NIBBLES, _BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_TWO, _FOUR, _TOP = np.uint64(2), np.uint64(4), np.uint64(56)


@kernel(inline="always")
def _bits(word: Any) -> Any:
    """How many bits of a 64-bit word are set; compilers know the idiom."""
    word = word - ((word >> _ONE) & _FIFTHS)
    word = (word & _THIRDS) + ((word >> _TWO) & _THIRDS)
    return (((word + (word >> _FOUR)) & _NIBBLES) * _BYTES) >> _TOP


@kernel()
def find(
    hash_N: Array,
    value_N: Array,
    start_V: Array,
    difference_M: Array,
    distance: Any,
    before_E: Array,
    limit_E: Array,
    state_3: Array,
    found_X2: Array,
) -> int:
    """Write pairs of places whose hashes are within `distance`, until `found_X2` is full.

    Hashes of one value of the band lie together, those of value v from `start_V[v]`. Compared are
    those whose values differ by one of `difference_M`, rising, the first 0. A pair is left out that
    an earlier band finds: one that differs in at most `limit_E` of the bits `before_E`. Returns how
    many were found; `state_3` says where to go on, and its first is N when all are found.
    """
    count, full = 0, len(found_X2)
    one, turn, other = state_3
    while one < len(hash_N):
        mine, value = hash_N[one], value_N[one]
        while turn < len(difference_M):
            theirs = value ^ difference_M[turn]
            if theirs >= value:  # else it was compared from the other side
                first = one + 1 if theirs == value else start_V[theirs]
                for place in range(max(first, other), start_V[theirs + 1]):
                    apart = mine ^ hash_N[place]
                    if _bits(apart) > distance:
                        continue
                    is_new = True
                    for band in range(len(before_E)):
                        is_new &= _bits(apart & before_E[band]) > limit_E[band]
                    if not is_new:
                        continue
                    if count == full:
                        state_3[0], state_3[1], state_3[2] = one, turn, place
                        return count
                    found_X2[count, 0], found_X2[count, 1] = one, place
                    count += 1
            other = 0
            turn += 1
        turn = 0
        one += 1
    state_3[0], state_3[1], state_3[2] = one, 0, 0
    return count
