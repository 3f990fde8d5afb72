"""Section `quantizers.<name>`: color bins, their prior and weights, and the encoding of pixels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from huescape.params.base import Section


class GamutBins(Section):
    """Zhang et al. 2016: grid points of the chroma plane whose cells touch the sRGB gamut."""

    rule: Literal["gamut"]
    step: float = Field(default=10.0, gt=0)


class FrequentBins(Section):
    """Billaut et al. 2018: the `n` most frequent cells of a `cells` x `cells` grid of the plane."""

    rule: Literal["frequent"]
    n: int = Field(default=32, ge=1, le=65_535)
    cells: int = Field(default=10, ge=2, le=256)

    @model_validator(mode="after")
    def _cells_suffice(self) -> FrequentBins:
        if self.n > self.cells**2:
            raise ValueError(
                f"n is {self.n}, larger than the {self.cells**2} bins that a grid of "
                f"cells = {self.cells} has; allowed: 1 to {self.cells**2}"
            )
        return self


class PriorParams(Section):
    """Smoothing of the prior (`sigma`, 0 for none) and the uniform share `lambda`.

    The prior is smoothed in the chroma `plane` (Zhang et al. 2016; sigma in chroma units) or over
    the bin `index` (MLEU; sigma in bins).

    Weights are proportional to 1 / ((1 - lambda) p + lambda / Q). The uniform share covers all
    bins (Zhang et al. 2016, the paper) or the occupied ones alone (their released code).
    """

    smoothing: Literal["plane", "index"] = "plane"
    sigma: float = Field(default=0.0, ge=0, le=1000)
    lam: float = Field(default=0.5, ge=0, le=1, alias="lambda")
    uniform_over: Literal["all", "occupied"] = "all"


class HardEncoding(Section):
    """The nearest bin with weight 1, at every `stride`-th pixel."""

    method: Literal["hard"]
    stride: int = Field(default=1, ge=1, le=8)


class SoftEncoding(Section):
    """The `neighbors` nearest bins, weighted by a Gaussian of `sigma` (in chroma units)."""

    method: Literal["soft"]
    neighbors: int = Field(default=5, ge=1, le=32)
    sigma: float = Field(default=5.0, gt=0, le=1000)
    stride: int = Field(default=1, ge=1, le=8)


class ChromaTargets(Section):
    """The pixel's own chroma, for regression, at every `stride`-th pixel.

    The bins serve the prior alone: pixels are counted in the nearest one.
    """

    method: Literal["chroma"]
    stride: int = Field(default=1, ge=1, le=8)


Bins = Annotated[GamutBins | FrequentBins, Field(discriminator="rule")]
Encoding = Annotated[HardEncoding | SoftEncoding | ChromaTargets, Field(discriminator="method")]


class QuantizerParams(Section):
    """One quantizer: its color space, bins, prior and encoding."""

    space: Literal["lab", "yuv"]
    bins: Bins
    prior: PriorParams = PriorParams()
    encode: Encoding

    @model_validator(mode="after")
    def _step_fits_the_space(self) -> QuantizerParams:
        low, high = (2.0, 60.0) if self.space == "lab" else (0.02, 0.4)
        if isinstance(self.bins, GamutBins) and not low <= self.bins.step <= high:
            raise ValueError(
                f"bins.step is {self.bins.step}; allowed in {self.space}: {low} to {high}"
            )
        return self
