"""`snakemake --report` of a project that DVC ran: results with captions, not the rules alone."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.long


def test_the_report_shows_the_page_the_tables_and_the_figures(project: Any) -> None:
    project.set("report.title", "A title of its own")
    project.engine("dvc")
    project.run("snakemake", "--report", "report.html")
    text = (project.root / "report.html").read_text()
    for category in ("Page", "Tables", "Curves", "Systems", "Priors"):
        assert f'"{category}"' in text
    for name in ("index.html", "compare.csv", "claims.csv", "auc.png", "hue.png"):
        assert name in text
    assert "prior-yuv32.png" in text
    assert "The share of pixels whose color lies within a distance" in text
    assert "what is stale is judged by" in text
