"""The data as rows of tables: sources and licences, the funnel, splits, categories, quantizers."""

from __future__ import annotations

from dataclasses import dataclass

from huescape.figures.funnel import Step, bar, steps
from huescape.params.quantizers import (
    ChromaTargets,
    FrequentBins,
    GamutBins,
    HardEncoding,
    QuantizerParams,
    SoftEncoding,
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
class Count:
    """A named share of the photos, with its bar."""

    name: str
    note: str
    photos: int
    bar: str


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
    """The steps of the funnel, and the checks (in words) that no photo fell to."""
    dropped = {k: int(v) for k, v in catalog.summary["reasons"].items() if k != "kept"}
    idle = [text for key, text in REASONS.items() if not dropped.get(key)]
    return steps(int(catalog.summary["photos"]), dropped, list(REASONS)), idle


def reason_text(key: str) -> str:
    """A reason for dropping a photo, in words."""
    return REASONS.get(key, key.replace("_", " "))


def splits_of(catalog: Catalog) -> list[Count]:
    """Train, validation and test, then any other split by name."""
    found: Json = catalog.summary["splits"]
    names = [*SPLITS, *sorted(name for name in found if name not in SPLITS)]
    total = int(catalog.summary["kept"])
    return [_counted(name, SPLITS.get(name, ""), found.get(name, 0), total) for name in names]


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
    return Count(name, note, int(count), bar(total, int(count)))


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


def _encode(encode: HardEncoding | SoftEncoding | ChromaTargets) -> str:
    stride = encode.stride
    which = "every pixel" if stride == 1 else f"one pixel in {stride} by {stride}"
    if isinstance(encode, HardEncoding):
        return f"{which} encoded as its nearest bin"
    if isinstance(encode, ChromaTargets):
        return f"{which} kept as its own chroma, for regression"
    near, sigma = encode.neighbors, encode.sigma
    return f"{which} encoded softly over its {near} nearest bins (sigma = {sigma:g})"
