"""What the page shows, rendered from small files of the form that the earlier stages write."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from huescape.base.errors import HuescapeError
from huescape.metrics.names import BASELINES
from huescape.metrics.scores import METRICS
from tests.reporting.conftest import result
from tests.reporting.project import (
    HOSTILE,
    PARAMS,
    Inputs,
    Page,
    scores_of,
    write,
    write_evaluation,
    write_pictures,
    write_project,
    write_system,
    write_temperatures,
)

SAID = "Rebalanced AuC rests on 5,412 effective pixels, below 100,000: compare by the macro AuC"


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    write_project(tmp_path)
    return Inputs(tmp_path)


def table_of(text: str, kind: str) -> str:
    """The first table of a class."""
    start = text.index(f'<table class="{kind}">')
    return text[start : text.index("</table>", start)]


def test_page_is_well_formed_and_whole(inputs: Inputs) -> None:
    page = Page(inputs.run())
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for href in page.values("href"):
        assert not href.startswith("#") or href[1:] in ids
    for heading in ("Scores", "Claims", "Pictures", "Systems", "Data", "Quantizers", "Reproduce"):
        assert heading in page.text
    assert inputs.metrics["bytes"] == (inputs.root / "reports/index.html").stat().st_size


def test_page_loads_nothing_from_elsewhere(inputs: Inputs) -> None:
    text = inputs.run()
    page = Page(text)
    assert all(src.startswith("data:image/") for src in page.values("src"))
    # Priors; the training of each system; the curves of all; five of where the best one fails, two
    # of the other one.
    assert len(page.values("src")) == 2 + 2 + 1 + 5 + 2
    assert "@import" not in text
    assert "url(" not in text
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object")]
    # One script, whose text the policy knows: no other may run, and nothing may be loaded.
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert [found for tag, found in page.tags if tag == "script"] == [{}]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [found["content"] for tag, found in page.tags if "http-equiv" in found]
    shown = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
    assert policy == f"{shown}'sha256-{digest}'"
    links = [found["href"] for tag, found in page.tags if tag == "link"]
    assert links == ["data:,"]
    assert "https://vision.princeton.edu/projects/2010/SUN/" in page.values("href")
    assert not [href for href in page.values("href") if href.startswith("javascript")]


def test_every_number_of_every_system_is_there_once(inputs: Inputs) -> None:
    """As a row of the table of scores, of a decoding, or of what no other table has."""
    text = inputs.run()
    headlines, others = table_of(text, "scores"), table_of(text, "numbers")
    for name in ("colorunet", "wide"):
        path = inputs.root / f"reports/evaluation/{name}/scores.json"
        record = json.loads(path.read_text())
        (row,) = re.findall(rf'<th scope="row">{name}<.*?</tr>', headlines, re.S)
        for metric in METRICS:
            assert f"{record[metric.key]:.{metric.digits}f}<" in row, (name, metric.key)
        by_decoding = text[text.index(f'aria-label="Scores of {name} by decoding"') :]
        for decoding, scores in record["decodes"].items():
            (row,) = re.findall(rf'<th scope="row">{decoding}<.*?</tr>', by_decoding, re.S)[:1]
            cells = re.findall(r"<td>(.*?)</td>", row)
            is_headline = decoding == record["decode"]
            assert cells == [] if is_headline else f"{scores['auc']:.3f}" in cells
    head = re.findall(r'<th scope="col">(.*?)</th>', others)
    assert "distribution.ece" in head
    assert not {"auc", "psnr", "distribution.bits", "cost.parameters"} & set(head)
    rows = re.findall(r'<th scope="row">(.*?)</th>', others)
    assert len(rows) == len(set(rows))
    assert rows[0] == "colorunet"
    assert "wide, median" in rows


def test_headline_table_marks_the_best_and_what_is_shaky(inputs: Inputs) -> None:
    text = inputs.run()
    table = table_of(text, "scores")
    rows = {m[1]: m[2] for m in re.finditer(r'<th scope="row">([^<]+)(.*?)</tr>', table, re.S)}
    assert list(rows) == ["colorunet", "wide", *(label for label, _ in BASELINES.values())]
    assert '<span class="best">0.810<' in rows["colorunet"]  # the higher macro AuC
    assert '<span class="best">40.1<' in rows["colorunet"]  # nearest to the truth's 43.3
    assert "best" not in rows["Ground truth"]
    assert "∞" in rows["Ground truth"]
    assert rows["colorunet"].count('class="shaky"') == 1
    assert "</a> 0.709<" in rows["colorunet"].replace('<span class="best">', "")
    assert "shaky" not in rows["Gray"]


def test_warnings_are_visible_and_said_once(inputs: Inputs) -> None:
    text = inputs.run()
    assert Page(text).text.count(SAID) == 1
    assert "<strong>colorunet, wide</strong>" in text
    assert inputs.metrics["warnings"] == 1


def test_no_warning_no_box(inputs: Inputs) -> None:
    for name in ("colorunet", "wide"):
        inputs.change(
            f"reports/evaluation/{name}/scores.json", warnings=[], effective_pixels=250_000.0
        )
    text = inputs.run()
    assert 'id="warnings"' not in text
    assert 'class="shaky"' not in text


def test_systems_scored_on_other_photos_are_told_apart(inputs: Inputs) -> None:
    inputs.change("reports/evaluation/wide/scores.json", baselines={"gray": {"auc": 0.5}})
    assert "scored on other photos than colorunet" in inputs.run()


def test_text_is_escaped_everywhere(inputs: Inputs) -> None:
    params = PARAMS.replace("Automatic colorization of landscapes", json.dumps(HOSTILE))
    write(inputs.root / "params.yaml", params)
    text = inputs.run()
    assert "<b>" not in text
    page = Page(text)
    assert page.text.count(HOSTILE) == 4  # title, heading, category, a part of the test photos
    assert params.rstrip("\n") in page.text


def test_funnel_splits_and_empty_bins(inputs: Inputs) -> None:
    text = " ".join(Page(inputs.run()).text.split())
    for line in ("not in a landscape category 12 228", "gray, or nearly so 9 212"):
        assert line in text
    assert "nearly the same picture twice 7 199" in text
    assert "313 bins, 190 of them empty" in text
    assert "32 bins, none of them empty" in text
    for line in ("trains the systems, the bins and the priors 148", "never seen in training 31"):
        assert line in text


def test_no_path_of_this_machine(inputs: Inputs) -> None:
    text = inputs.run()
    assert str(inputs.root) not in text
    page = Page(text)
    local = [h for h in page.values("href") if not h.startswith(("#", "https:", "data:"))]
    assert sorted(local) == [
        "evaluation/colorunet/curves.png",
        "evaluation/wide/curves.png",
        "figures/prior-lab313.png",
        "figures/prior-yuv32.png",
    ]
    assert all((inputs.root / "reports" / href).is_file() for href in local)


def test_large_pictures_are_shrunk_to_the_budget(inputs: Inputs) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (2048, 1280, 3), dtype=np.uint8))
    noise.save(inputs.root / "reports/evaluation/colorunet/worst.png")
    page = Page(inputs.run())
    assert inputs.metrics["bytes"] < 5_000_000
    uri = next(src for src in page.values("src") if src.startswith("data:image/jpeg"))
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        sizes = {(f.get("width"), f.get("height")) for tag, f in page.tags if tag == "img"}
        assert (str(image.width), str(image.height)) in sizes


def test_pairs_are_found_across_systems(inputs: Inputs) -> None:
    network = {"name": "colorunet", "pretrained": "none"}
    for name, weighted in (("colorunet", True), ("wide", False)):
        loss = {"name": "cross_entropy", "weighted": weighted}
        params = {"loss": loss, "network": network, "batch": 16}
        inputs.change(f"models/{name}/system.json", pretrained=None, params=params)
    text = " ".join(Page(inputs.run()).text.split())
    assert "colorunet against wide" in text
    assert "Without pretrained weights: colorunet, wide could have started" in text
    rows = [row for row in inputs.table("claims.csv") if row["claim"] == "1"]
    assert {row["score"]: row["verdict"] for row in rows} == {
        "auc": "not seen (once)",
        "auc_rebalanced": "not decided",
        "auc_macro": "seen once",
        "colorfulness": "seen once",
    }


def test_a_photo_is_a_strip_from_gray_to_true(inputs: Inputs) -> None:
    before = len(Page(inputs.run()).values("src"))
    for name, vivid in (("colorunet", 0.9), ("wide", 0.4)):
        write_pictures(inputs.root, name, vivid)
    write_temperatures(inputs.root, "wide")
    page = Page(inputs.run())
    assert len(page.values("src")) == before + 3 * (2 + 2) + 2 * 3
    labels = page.values("data-label")
    ends = ["Gray", "Colored by colorunet", "Colored by wide", "Truth"]
    assert labels == 3 * ends + 2 * ["T = 1", "T = 0.38", "T = 0.2"]
    sliders = [found for tag, found in page.tags if found.get("type") == "range"]
    assert [found["max"] for found in sliders] == ["2"] * 3 + ["2"] * 2
    assert all("sun397/c/coast/sun_" in (found["aria-label"] or "") for found in sliders)
    systems = [found["value"] for _, found in page.tags if found.get("type") == "radio"]
    assert systems == ["0", "1"]  # one system alone has temperatures: nothing to choose there
    assert "side_by_side/side-by-side-1.png" in page.values("href")
    assert (inputs.root / "reports/side_by_side/side-by-side-1.png").is_file()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rgb_0": np.zeros((2, 8, 8, 3), np.uint8)}, "rgb_0 is not of shape (3, H, W, 3)"),
        ({"rgb_1": None}, "has no array 'rgb_1'"),
        ({"temperatures": None}, "has no array 'temperatures'"),
    ],
)
def test_broken_temperatures_are_one_line(
    inputs: Inputs, changed: dict[str, Any], said: str
) -> None:
    for name in ("colorunet", "wide"):
        write_pictures(inputs.root, name, 0.9)
    path = write_temperatures(inputs.root, "wide")
    with np.load(path) as stored:
        arrays = dict(stored) | changed
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(HuescapeError, match=re.escape(said)) as caught:
        inputs.run()
    assert "dvc repro" in str(caught.value)
    assert not (inputs.root / "reports/index.html").exists()


def test_many_pictures_keep_the_page_small(inputs: Inputs) -> None:
    rng = np.random.default_rng(0)
    names = [f"net{k}" for k in range(9)]
    for k, name in enumerate(names):
        write_system(inputs.root, name, 0.7 + k / 100, batch=k + 1)
        arrays = {"ids": np.array([f"photo{n}" for n in range(9)])}
        for n in range(9):
            for kind in ("truth", "rgb"):
                arrays[f"{kind}_{n}"] = rng.integers(0, 256, (192, 192, 3), dtype=np.uint8)
        np.savez(inputs.root / f"reports/evaluation/{name}/pictures.npz", **arrays)
    page = Page(inputs.run(tuple(names)))
    assert inputs.metrics["bytes"] < 9_000_000
    assert page.values("data-label").count("Truth") == 8
    assert len(page.values("data-label")) == 8 * (2 + 6)
    assert "The pictures of 3 further systems lie in" in page.text


def test_a_factor_for_each_milestone_is_said(inputs: Inputs) -> None:
    for name, gamma in (("colorunet", 0.2), ("wide", [0.3333, 0.3])):
        optimizer = {"name": "adam", "lr": 0.001, "milestones": [0.6, 0.85], "gamma": gamma}
        inputs.change(f"models/{name}/system.json", params={"optimizer": optimizer})
    text = " ".join(Page(inputs.run()).text.split())
    assert "times 0.3333, 0.3 at 60 %, 85 % of the run" in text
    assert "times 0.2 at 60 %, 85 % of the run" in text


def test_claims_that_are_not_compared_are_one_line(inputs: Inputs) -> None:
    page = Page(inputs.run())
    text = " ".join(page.text.split())
    rows = inputs.table("claims.csv")
    open_ = {row["claim"] for row in rows if row["verdict"] == "not compared"}
    assert open_
    assert f"Not compared: {len(open_)} claims, for want of systems here that differ in" in text
    compared = [ident for ident in page.values("id") if re.fullmatch(r"claim-\w+", ident)]
    assert not {ident.removeprefix("claim-") for ident in compared} & open_


def test_no_pictures_is_said(inputs: Inputs) -> None:
    assert "No pictures were drawn" in inputs.run()


def test_the_page_shows_no_secret_of_an_address(inputs: Inputs) -> None:
    source = "- {kind: sun397, root: s, url: 'https://me:hunter2@host.org/a.tar?sig=hunter2'}"
    write(
        inputs.root / "params.yaml",
        PARAMS.replace("- {kind: sample", f"{source}\n    - {{kind: sample"),
    )
    page = inputs.run()
    assert "hunter2" not in page
    assert "https://***@host.org/a.tar?sig=***" in page


def test_a_shipped_model_is_compared_and_has_no_training(inputs: Inputs) -> None:
    before, claims = Page(inputs.run()), inputs.table("claims.csv")
    shipped = result("landscape", scores_of(0.9) | {"decode": "median"})
    write_evaluation(inputs.root, shipped, 0.9)
    page = Page(inputs.run(released=[inputs.root / "reports/evaluation/landscape.json"]))
    # Of those that validated alone (intel) it does not say so.
    note = "shipped; not trained here, but on photos of sun397, weather, yosemite, which may"
    assert note in page.text
    assert "landscape by its own, median" in page.text
    assert "The training of wide" in page.text
    assert "The training of landscape" not in page.text
    assert [row["name"] for row in inputs.table("compare.csv")][:3] == [
        *("colorunet", "wide", "landscape"),
    ]
    # What was trained here is judged by itself.
    for told in (before, page):
        assert "The best system, colorunet," in told.text
    assert inputs.table("claims.csv") == claims


def test_pages_of_what_is_asked_for_are_linked(inputs: Inputs) -> None:
    assert "On request" not in inputs.run()
    asked = "perceived: {wide: {}}\nneighbors: {test: {}}\nprobed: {colorunet: {}}\n"
    write(inputs.root / "params.yaml", PARAMS + asked)
    page = Page(inputs.run())
    assert "On request" in page.text
    links = [href for href in page.values("href") if href.endswith("/index.html")]
    assert links == [
        "perception/wide/index.html",
        "neighbors/test/index.html",
        "probes/colorunet/index.html",
    ]
