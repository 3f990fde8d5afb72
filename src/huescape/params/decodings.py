"""How one color is chosen from a distribution over bins: a decoding, and its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from huescape.base.errors import ParamsError
from huescape.params.base import TEMPERATURE, Section

Method = Literal["annealed", "median", "mode", "diffuse"]


def _own_temperature(found: dict[str, Any]) -> float:
    """Zhang's for the annealed mean; the others take the distribution as it is."""
    return TEMPERATURE if found.get("method") == "annealed" else 1.0


class Decoding(Section):
    """A color from q, proportional to p^(1 / temperature) prior^(-tau); see `color.decoding`."""

    method: Method = "annealed"
    """`annealed`: the mean of q (with tau 0, Zhang et al. 2016, eq. 5); `median`: its geometric
    median, which the AuC rewards; `mode`: the most likely bin; `diffuse`: the median where a bin is
    likely, diffused from there to all pixels along the lightness (`color.confident`)."""
    tau: float = Field(default=0.0, ge=0, le=1)
    """How far the prior of the training photos is divided out: 0 not at all, 1 wholly. More is more
    vivid."""
    temperature: Annotated[float, Field(gt=0, le=1)] = Field(default_factory=_own_temperature)
    """Below 1, q is sharper than the distribution. By default 0.38 for `annealed` (Zhang et al.
    2016) and 1 for the others."""

    @property
    def name(self) -> str:
        """How files and pages call it, alike for equal decodings: `annealed T=0.38`, `median`."""
        # Where the prior counts for nothing, no temperature moves the largest of all.
        moot = self.method == "mode" and not self.tau
        said = self.method == "annealed" or (self.temperature != 1 and not moot)
        temperature = f" T={_plain(self.temperature)}" if said else ""
        tau = f" tau={_plain(self.tau)}" if self.tau else ""
        return f"{self.method}{temperature}{tau}"


ANNEALED = Decoding()


def changed(
    usual: Decoding,
    method: str | None = None,
    tau: float | None = None,
    temperature: float | None = None,
    dashes: str = "",
) -> Decoding:
    """`usual` with what is asked for; another method comes with its own temperature, and tau 0.

    Args:
        dashes: what stands before the names in messages, `--` for options.
    Raises:
        ParamsError: another method, or a number out of range.
    """
    methods = get_args(Method)
    if method is not None and method not in methods:
        raise ParamsError(f"{dashes}method is {method!r}; allowed: {', '.join(methods)}")
    if tau is not None and not 0 <= tau <= 1:
        raise ParamsError(f"{dashes}tau is {tau:g}; allowed: 0 to 1")
    if temperature is not None and not 0 < temperature <= 1:
        raise ParamsError(f"{dashes}temperature is {temperature:g}; allowed: above 0, at most 1")
    asked = {"method": method, "tau": tau, "temperature": temperature}
    given = {key: value for key, value in asked.items() if value is not None}
    same = given.get("method", usual.method) == usual.method
    return Decoding.model_validate((usual.model_dump() if same else {}) | given)


_ANNEALED = re.compile(r"annealed T=(\S+)")


def annealed_rising(names: Iterable[str]) -> list[str]:
    """The names of annealed means without tau, by rising temperature."""
    found = {name: match for name in names if (match := _ANNEALED.fullmatch(name))}
    return sorted(found, key=lambda name: float(found[name][1]))


def _plain(value: float) -> str:
    """All digits that the number has: `1`, `0.38`."""
    return repr(float(value)).removesuffix(".0")
