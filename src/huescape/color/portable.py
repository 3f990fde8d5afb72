"""Cube root and exponential that give the same bits on every machine.

The C library's `cbrt` and NumPy's vectorized `exp` and `power` differ in the last bit between
processors and library versions; a shard made with them could not be reproduced elsewhere, hash for
hash. The functions here use only addition, multiplication, division and integer operations, which
IEEE 754 rounds in one way only (NumPy never fuses two ufuncs into one rounding). For float32 they
are also faster than the library's on processors without AVX-512.

Arrays may have any shape and are float32 or float64; the result has the same shape and dtype.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

# Taylor terms of exp around 0 on |y| <= ln(2)/2 that reach the dtype's own precision.
_EXP_TERMS = {np.dtype(np.float32): 8, np.dtype(np.float64): 14}
_EXP_FLOOR = {np.dtype(np.float32): -87.0, np.dtype(np.float64): -708.0}


def _root_seed(bias: int, mantissa: int) -> int:
    return round((bias - bias / 3 - 0.03306235651) * (1 << mantissa))


# What a third of the bit pattern lacks to that of the cube root, by the width of the float.
_ROOT_SEED = {32: _root_seed(127, 23), 64: _root_seed(1023, 52)}


def cube_root(x: FloatArray) -> FloatArray:
    """Cube root of positive, normal floats, to a few units in the last place.

    Dividing the bit pattern by three divides the exponent by three, which is a seed within 5 %;
    Halley's iteration triples the correct digits each time (W. Kahan's method, as in fdlibm).
    Zero and negative numbers are outside the domain; the caller keeps them away.
    """
    single = x.dtype == np.float32
    integer, magic = (np.int32, _ROOT_SEED[32]) if single else (np.int64, _ROOT_SEED[64])
    bits: npt.NDArray[Any] = np.ascontiguousarray(x).view(integer)
    y: npt.NDArray[Any] = (bits // integer(3) + integer(magic)).view(x.dtype)
    double_x = x + x
    for _ in range(2 if single else 3):
        cubed = y * y
        cubed *= y
        top = cubed + double_x
        cubed += cubed
        cubed += x
        top /= cubed
        y *= top
    return y


def exp_negative(x: FloatArray) -> FloatArray:
    """exp(x) for x <= 0, to a few units in the last place; below the normal range it gives 0.

    Range reduction to |y| <= ln(2)/2, a Taylor polynomial, then an exact scaling by a power of
    two.
    """
    dtype = x.dtype
    below = x < _EXP_FLOOR[dtype]
    x = np.maximum(x, dtype.type(_EXP_FLOOR[dtype]))
    exponent = np.rint(x * dtype.type(1 / math.log(2)))
    # ln 2 in two parts, the first with trailing zero bits, so that exponent * part is exact.
    high = dtype.type(0.693359375)
    low = dtype.type(-2.121944400546905827679e-4)
    y = (x - exponent * high) - exponent * low
    result = np.ldexp(_taylor_exp(y, _EXP_TERMS[dtype]), exponent.astype(np.int32))
    return np.where(below, dtype.type(0), result)


def _taylor_exp(y: FloatArray, terms: int) -> FloatArray:
    """Sum of y^k / k! for k < terms, by Horner's rule in place."""
    total = np.full_like(y, 1 / math.factorial(terms - 1))
    for k in range(terms - 2, -1, -1):
        total *= y
        total += y.dtype.type(1 / math.factorial(k))
    return total
