"""Section `quantizers.<name>`: color bins, their prior and weights, and the encoding of pixels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from huescape.params.base import Section


class GamutBins(Section):
    """Zhang et al. 2016: grid points of the chroma plane whose cells touch the sRGB gamut."""

    rule: Literal["gamut"]
    """How bins are found."""
    step: float = Field(default=10.0, gt=0)
    """The distance of grid points, in chroma units of the space."""


class FrequentBins(Section):
    """Billaut et al. 2018: the most frequent cells of a grid of the chroma plane."""

    rule: Literal["frequent"]
    """How bins are found."""
    n: int = Field(default=32, ge=1, le=65_535)
    """The number of bins."""
    cells: int = Field(default=10, ge=2, le=256)
    """The cells of the grid along each axis."""

    @model_validator(mode="after")
    def _cells_suffice(self) -> FrequentBins:
        if self.n > self.cells**2:
            raise ValueError(
                f"n is {self.n}, larger than the {self.cells**2} bins that a grid of "
                f"cells = {self.cells} has; allowed: 1 to {self.cells**2}"
            )
        return self


class PriorParams(Section):
    """The prior of the bins and the class weights, 1 / ((1 - lambda) p + lambda / Q) but for scale.

    Zhang et al. 2016, section 2.2.
    """

    smoothing: Literal["plane", "index"] = "plane"
    """The prior is smoothed in the chroma `plane` (Zhang et al. 2016) or over the bin `index`
    (MLEU): of 1,000 points interpolated between the first bin and the last."""
    sigma: float = Field(default=0.0, ge=0, le=1000)
    """The width of the smoothing, in chroma units or, over the index, in points; 0 for none."""
    lam: float = Field(default=0.5, ge=0, le=1, alias="lambda")
    """The share of the uniform distribution that is mixed in."""
    uniform_over: Literal["all", "occupied"] = "all"
    """The uniform share covers all bins (Zhang et al. 2016, the paper) or the occupied ones alone
    (their released code)."""


class HardEncoding(Section):
    """The nearest bin with weight 1."""

    method: Literal["hard"]
    """How a pixel's target is encoded."""
    stride: int = Field(default=1, ge=1, le=8)
    """Every so manyth pixel along each axis is encoded."""


class CellEncoding(Section):
    """The bin whose cell a color falls in, with weight 1 (Billaut et al. 2018).

    A color of a cell that is not kept goes to the nearest bin. For bins of rule `frequent`.
    """

    method: Literal["cell"]
    """How a pixel's target is encoded."""
    stride: int = Field(default=1, ge=1, le=8)
    """Every so manyth pixel along each axis is encoded."""


class SoftEncoding(Section):
    """The nearest bins, weighted by a Gaussian (Zhang et al. 2016)."""

    method: Literal["soft"]
    """How a pixel's target is encoded."""
    neighbors: int = Field(default=5, ge=1, le=32)
    """The number of bins that share a pixel."""
    sigma: float = Field(default=5.0, gt=0, le=1000)
    """The width of the Gaussian, in chroma units."""
    stride: int = Field(default=1, ge=1, le=8)
    """Every so manyth pixel along each axis is encoded."""


class ChromaTargets(Section):
    """The pixel's own chroma, for regression.

    The bins serve the prior alone: pixels are counted in the nearest one.
    """

    method: Literal["chroma"]
    """How a pixel's target is encoded."""
    stride: int = Field(default=1, ge=1, le=8)
    """Every so manyth pixel along each axis is encoded."""


Bins = Annotated[GamutBins | FrequentBins, Field(discriminator="rule")]
Encoding = Annotated[
    HardEncoding | CellEncoding | SoftEncoding | ChromaTargets, Field(discriminator="method")
]


class QuantizerParams(Section):
    """One quantizer."""

    space: Literal["lab", "yuv"]
    """The color space whose chroma plane is divided."""
    bins: Bins
    """The rule by which bins are found, and its options."""
    prior: PriorParams = PriorParams()
    """The prior of the bins and the class weights."""
    encode: Encoding
    """The targets of training."""

    @model_validator(mode="after")
    def _step_fits_the_space(self) -> QuantizerParams:
        low, high = (2.0, 60.0) if self.space == "lab" else (0.02, 0.4)
        if isinstance(self.bins, GamutBins) and not low <= self.bins.step <= high:
            raise ValueError(
                f"bins.step is {self.bins.step}; allowed in {self.space}: {low} to {high}"
            )
        return self

    @model_validator(mode="after")
    def _cells_exist(self) -> QuantizerParams:
        if isinstance(self.encode, CellEncoding) and not isinstance(self.bins, FrequentBins):
            raise ValueError(
                f"encode.method is 'cell'; allowed with bins.rule {self.bins.rule!r}: "
                "soft, hard, chroma"
            )
        return self
