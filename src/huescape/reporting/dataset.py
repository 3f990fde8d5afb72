"""The data as rows of tables: sources and licences, the funnel, splits, categories, quantizers."""

from __future__ import annotations

from dataclasses import dataclass

from huescape.params.quantizers import (
    CellEncoding,
    ChromaTargets,
    Encoding,
    FrequentBins,
    GamutBins,
    HardEncoding,
    QuantizerParams,
)
from huescape.reporting.inputs import Catalog, Json, Prior
from huescape.reporting.wording import file_size, thousands

# In the order in which the filter checks (`huescape.photos.catalog.REASONS`; a test compares them).
REASONS = {
    "not_landscape": "not in a landscape category",
    "undecodable": "damaged",
    "unsupported": "in a form that is not supported",
    "too_large": "of more pixels than filter.max_pixels",
    "too_small": "too small",
    "gray": "gray, or nearly so",
    "duplicate": "the same file twice",
    "near_duplicate": "nearly the same picture twice",
}
SPLITS = {
    "train": "trains the systems, the bins and the priors",
    "val": "watches the training",
    "test": "scores; never seen in training",
}


@dataclass(frozen=True)
class Source:
    """A source of photos; `homepage` is "" unless it is a web address."""

    name: str
    kind: str
    licence: str
    homepage: str
    photos: str
    kept: str
    size: str


@dataclass(frozen=True)
class Step:
    """After a check: photos it dropped, photos that are left, and both in percent of all."""

    text: str
    dropped: int
    left: int
    dropped_percent: float
    left_percent: float


@dataclass(frozen=True)
class Count:
    """A named number of photos, in percent of what its bar stands for."""

    name: str
    note: str
    photos: int
    percent: float


@dataclass(frozen=True)
class QuantizerFacts:
    """A quantizer in words, with how many of its bins no training pixel fell into."""

    name: str
    text: str
    bins: int
    empty: int
    top: float


def sources_of(catalog: Catalog) -> list[Source]:
    """A row for every source, with how many of its photos were kept."""
    return [_source(item, catalog) for item in catalog.sources]


def funnel_of(catalog: Catalog) -> tuple[list[Step], list[str]]:
    """The checks that dropped photos, in their order, and those (in words) that dropped none."""
    total = left = int(catalog.summary["photos"])
    steps = []
    for key, text in REASONS.items():
        if dropped := int(catalog.summary["reasons"].get(key, 0)):
            left -= dropped
            # One photo in a hundred thousand is still seen.
            share = max(100 * dropped / total, 0.4)
            steps.append(Step(text, dropped, left, share, min(100 * left / total, 100 - share)))
    return steps, [text for key, text in REASONS.items() if not catalog.summary["reasons"].get(key)]


def splits_of(catalog: Catalog) -> list[Count]:
    """Train, validation and test."""
    found, kept = catalog.summary["splits"], catalog.summary["kept"]
    return [_counted(name, note, found[name], kept) for name, note in SPLITS.items()]


def categories_of(catalog: Catalog) -> list[Count]:
    """The categories of the kept photos, the largest first; bars relative to the largest."""
    found = sorted(catalog.summary["categories"].items(), key=lambda item: (-item[1], item[0]))
    most = max((count for _, count in found), default=1)
    return [_counted(name or "(no category)", "", count, most) for name, count in found]


def quantizer_of(prior: Prior, params: QuantizerParams) -> QuantizerFacts:
    """The facts of one quantizer; `params` is its section of params.yaml."""
    p_Q = prior.empirical
    empty = sum(1 for share in p_Q if share == 0)
    return QuantizerFacts(prior.name, _describe(params), len(p_Q), empty, max(p_Q, default=0.0))


def _source(item: Json, catalog: Catalog) -> Source:
    name = str(item.get("name", ""))
    homepage = str(item.get("homepage") or "")
    return Source(
        name=name,
        kind=str(item.get("kind", "")),
        licence=str(item.get("licence") or "unknown"),
        # Only a web address becomes a link: a file of the user's may hold any text.
        homepage=homepage if homepage.startswith(("https://", "http://")) else "",
        photos=thousands(item.get("photos")),
        kept=thousands(catalog.by_source.get((name, "kept"), 0)),
        size=file_size(item.get("bytes")),
    )


def _counted(name: str, note: str, count: int, total: int) -> Count:
    return Count(name, note, int(count), 100 * count / max(total, 1))


def _describe(params: QuantizerParams) -> str:
    """One sentence on the space, the bins, the encoding, and the prior."""
    space = {"lab": "CIE Lab", "yuv": "YUV"}[params.space]
    prior = params.prior
    smooth = f"smoothed with sigma = {prior.sigma:g}, " if prior.sigma else ""
    weights = f"weights from the prior, {smooth}mixed with uniform by lambda = {prior.lam:g}"
    return f"{space} plane; {_bins(params.bins)}; {_encode(params.encode)}; {weights}."


def _bins(bins: GamutBins | FrequentBins) -> str:
    if isinstance(bins, GamutBins):
        return f"bins on a grid of step {bins.step:g} whose cells touch the sRGB gamut"
    return f"the {bins.n} most frequent cells of a {bins.cells} by {bins.cells} grid"


def _encode(encode: Encoding) -> str:
    stride = encode.stride
    which = "every pixel" if stride == 1 else f"one pixel in {stride} by {stride}"
    if isinstance(encode, HardEncoding):
        return f"{which} encoded as its nearest bin"
    if isinstance(encode, CellEncoding):
        return f"{which} encoded as the bin whose cell it falls in"
    if isinstance(encode, ChromaTargets):
        return f"{which} kept as its own chroma, for regression"
    near, sigma = encode.neighbors, encode.sigma
    return f"{which} encoded softly over its {near} nearest bins (sigma = {sigma:g})"
