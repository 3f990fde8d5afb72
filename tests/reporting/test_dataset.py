"""The data in words: every reason of the filter has its text, every number its form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.params.quantizers import QuantizerParams
from huescape.photos import catalog
from huescape.reporting import dataset
from huescape.reporting.inputs import Catalog, Prior
from huescape.reporting.wording import file_size, plain, thousands

DASH = "\N{EN DASH}"


def test_every_reason_has_its_words_in_the_order_of_the_checks() -> None:
    assert tuple(dataset.REASONS) == catalog.REASONS


@given(st.dictionaries(st.sampled_from(catalog.REASONS), st.integers(1, 500)), st.integers(0, 500))
def test_the_funnel_accounts_for_every_photo(reasons: dict[str, int], kept: int) -> None:
    photos = kept + sum(reasons.values())
    steps, idle = dataset.funnel_of(Catalog([], {"photos": photos, "reasons": reasons}, {}))
    left = photos
    for step in steps:
        left -= step.dropped
        assert step.left == left
        assert step.left_percent == pytest.approx(100 * left / photos, abs=0.4)
        assert step.dropped_percent > 0
        assert step.left_percent + step.dropped_percent <= 100.001
    assert left == kept
    order = [text for key, text in dataset.REASONS.items() if key in reasons]
    assert [step.text for step in steps] == order
    assert {*order, *idle} == {*dataset.REASONS.values()}


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (
            {
                "space": "lab",
                "bins": {"rule": "gamut"},
                "encode": {"method": "soft", "stride": 4},
                "prior": {"sigma": 5.0, "lambda": 0.5},
            },
            "CIE Lab plane; bins on a grid of step 10 whose cells touch the sRGB gamut; "
            "one pixel in 4 by 4 encoded softly over its 5 nearest bins (sigma = 5); "
            "weights from the prior, smoothed with sigma = 5, mixed with uniform by lambda = 0.5.",
        ),
        (
            {"space": "yuv", "bins": {"rule": "frequent"}, "encode": {"method": "hard"}},
            "YUV plane; the 32 most frequent cells of a 10 by 10 grid; "
            "every pixel encoded as its nearest bin; "
            "weights from the prior, mixed with uniform by lambda = 0.5.",
        ),
        (
            {"space": "yuv", "bins": {"rule": "frequent"}, "encode": {"method": "cell"}},
            "YUV plane; the 32 most frequent cells of a 10 by 10 grid; "
            "every pixel encoded as the bin whose cell it falls in; "
            "weights from the prior, mixed with uniform by lambda = 0.5.",
        ),
        (
            {
                "space": "lab",
                "bins": {"rule": "gamut"},
                "encode": {"method": "chroma", "stride": 4},
            },
            "CIE Lab plane; bins on a grid of step 10 whose cells touch the sRGB gamut; "
            "one pixel in 4 by 4 kept as its own chroma, for regression; "
            "weights from the prior, mixed with uniform by lambda = 0.5.",
        ),
    ],
)
def test_a_quantizer_in_words(section: dict[str, Any], says: str) -> None:
    prior = Prior("q", [0.5, 0.0, 0.3, 0.2, 0.0], figure=None)  # type: ignore[arg-type]
    facts = dataset.quantizer_of(prior, QuantizerParams.model_validate(section))
    assert facts.text == says
    assert (facts.bins, facts.empty, facts.top) == (5, 2, 0.5)


def test_numbers_in_words() -> None:
    assert [thousands(v) for v in (0, 1234567, None)] == ["0", "1,234,567", DASH]
    assert [file_size(v) for v in (0, 999, 1500, 37e9, 2.5e12, None)] == [
        "0 bytes", "999 bytes", "1.5 kB", "37.0 GB", "2.5 TB", DASH,
    ]  # fmt: skip
    assert [plain(v) for v in (1.0, 0.38, 100.0, 7, 1e-7, None)] == [
        "1", "0.38", "100", "7", "0", DASH,
    ]  # fmt: skip
