"""Numbers as text."""

from __future__ import annotations

import math
from typing import Any

NONE = "\N{EN DASH}"


def number(value: Any) -> float | None:
    """The value as a float when it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def plain(value: Any) -> str:
    """A number as the evaluation file writes it, without an exponent; a dash for none."""
    if value is None:
        return NONE
    return str(value) if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")


def thousands(value: Any) -> str:
    """A count with commas between the thousands; a dash for none."""
    found = number(value)
    return NONE if found is None else f"{found:,.0f}"


def signed(value: float, digits: int) -> str:
    """A difference with its sign, none for 0."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else f"{0:.{digits}f}"


def file_size(value: Any) -> str:
    """A size in bytes, in decimal units."""
    size = number(value)
    if size is None:
        return NONE
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def counted(value: float) -> str:
    """A large count with three digits and its unit (K, M, G, T)."""
    for unit in ("", " K", " M", " G"):
        if value < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} T"
