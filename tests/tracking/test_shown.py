"""What a run's page shows of an evaluation, read back from a real SQLite store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from PIL import Image

from huescape import tracking
from huescape.base.arrays import read_arrays
from huescape.base.errors import HuescapeError
from huescape.metrics import photo_sums
from huescape.metrics.bootstrap import interval, resampled
from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import METRICS
from huescape.tracking.notes import other_than_preset, with_section
from huescape.tracking.score_table import score_table
from tests.tracking.conftest import Evaluate
from tests.tracking.test_promote import NAMES, PARAMS, score
from tests.tracking.test_promote import train as trained
from tests.tracking.test_runs import runs, train

WRITTEN = Path("reports/evaluation")


def table_of(client: MlflowClient, run: Run) -> list[dict[str, Any]]:
    found = json.loads(Path(client.download_artifacts(run.info.run_id, "scores.json")).read_text())
    return [dict(zip(found["columns"], row, strict=True)) for row in found["data"]]


def draw(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 12, 3), level, np.uint8)).save(path)


def evaluate(model: Path, worse: float) -> dict[str, Any]:
    """Score the model, and tell MLflow; the scores."""
    score(model.name, worse, model)
    folder = WRITTEN / model.name
    sums = sums_of(folder)
    whole_1N = np.ones((1, len(sums.ids_N)))
    pixels_1Q = sums.pixel_sums(whole_1N)
    own: dict[str, Any] = {}
    for name in sums.names_P.tolist():
        found = sums.sums(name, whole_1N, pixels_1Q)
        values = {metric.key: metric.of_sums(found) for metric in METRICS}
        own[name] = {key: float(one[0]) for key, one in values.items() if one is not None}
        own[name] |= {"delta_colorfulness": 1.5, "ssim": None}
    scores = json.loads((folder / "scores.json").read_text())
    scores |= {"decodes": {name: own[name] for name in NAMES[:2]}, "bits_per_pixel": 2.0}
    scores |= {"baselines": {name: own[name] for name in NAMES[2:]}}
    (folder / "scores.json").write_text(json.dumps(scores))
    written = (WRITTEN / f"{model.name}{ending}" for ending in (".json", ""))
    tracking.attach(model.name, model, *written).close()
    return scores


def sums_of(folder: Path) -> PhotoSums:
    found = read_arrays(folder / "photo_sums.npz", *photo_sums.ARRAYS, stage="evaluate")
    return PhotoSums(**found)


def test_all_scores_are_a_table_with_the_intervals_of_the_page(project: MlflowClient) -> None:
    Path("params.yaml").write_text(PARAMS)
    model = trained("landscape", 1.0)
    scores = evaluate(model, 1.0)
    [run] = runs(project)
    rows = {(row["prediction"], row["score"]): row for row in table_of(project, run)}
    [drawn] = resampled([(sums_of(WRITTEN / "landscape"), "gray")])
    shown = {score for name, score in rows if name == "gray"}
    assert shown == {k for k, v in scores["baselines"]["gray"].items() if v is not None}
    assert rows["gray", "delta_colorfulness"]["low"] is None, "not kept photo by photo"
    assert len(shown & drawn.keys()) > 3
    for key in shown & drawn.keys():
        row = rows["gray", key]
        assert row["value"] == pytest.approx(scores["baselines"]["gray"][key])
        assert (row["low"], row["high"]) == pytest.approx(interval(drawn[key]), abs=1e-6)
        assert row["kind"] == "baseline"
    bits = rows[NAMES[0], "bits_per_pixel"]
    assert (bits["kind"], bits["row"]) == ("headline", "bits_per_pixel")
    assert rows["gray", "auc"]["row"] == "auc, gray"
    assert bits["low"] < bits["high"]
    [logged] = json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert logged == {"path": "scores.json", "type": "table"}
    assert (
        f"| bits_per_pixel | {bits['value']:.4g} | {bits['low']:.4g} to"
        in (run.data.tags["mlflow.note.content"])
    )
    evaluate(model, 2.0)
    assert len(table_of(project, runs(project)[0])) == len(rows), "the newer in place of the older"


def test_reports_on_request_come_with_the_scores_or_later_and_only_of_this_model(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model)
    scores, folder = evaluation()
    weights = json.loads((model / "system.json").read_text())["weights_sha256"]
    report(scores.parent.parent, "probes", "colorunet", "probe.json", "other", {"accuracy": 0.1})
    report(scores.parent.parent, "generalization", "bsds", "scores.json", weights, {"auc": 0.7})
    tracking.attach("colorunet", model, scores, folder).close()
    [run] = runs(project)
    assert run.data.metrics["generalization/bsds/auc"] == 0.7
    assert "probes/accuracy" not in run.data.metrics
    report(scores.parent.parent, "probes", "colorunet", "probe.json", weights, {"accuracy": 0.4})
    tracking.attach_reports(model, scores.parent, is_shipped=False).close()
    [run] = runs(project)
    assert run.data.metrics["probes/accuracy"] == 0.4
    assert len(project.get_metric_history(run.info.run_id, "auc")) == 1
    places = {f.path for f in project.list_artifacts(run.info.run_id)}
    assert {"probes", "generalization", "evaluation"} <= places
    assert project.list_artifacts(run.info.run_id, "probes/colorunet")[0].path.endswith("depth.png")


@pytest.mark.parametrize("damaged", ["colorunet.json", "colorunet/probe.json"])
def test_a_report_that_cannot_be_read_costs_no_scores(
    project: MlflowClient,
    model: Path,
    evaluation: Evaluate,
    capsys: pytest.CaptureFixture[str],
    damaged: str,
) -> None:
    train(model)
    scores, folder = evaluation()
    weights = json.loads((model / "system.json").read_text())["weights_sha256"]
    probes = scores.parent.parent / "probes"
    report(probes.parent, "probes", "colorunet", "probe.json", weights, {"accuracy": 0.4})
    (probes / damaged).write_text("{")
    capsys.readouterr()
    tracking.attach("colorunet", model, scores, folder).close()
    assert f"a report is not tracked: {probes / damaged} cannot be" in capsys.readouterr().err
    [run] = runs(project)
    assert run.data.metrics["auc"] == 0.38
    assert "probes/accuracy" not in run.data.metrics


def report(reports: Path, stage: str, name: str, file: str, weights: str, scores: Any) -> None:
    folder = reports / stage / name
    draw(folder / "depth.png", 30)
    (folder / file).write_text(json.dumps({"weights_sha256": weights}))
    folder.with_name(f"{name}.json").write_text(json.dumps(scores))


def test_the_description_says_what_the_run_was_trained_on_and_how_to_get_the_model(
    project: MlflowClient, model: Path, evaluation: Evaluate
) -> None:
    train(model)
    [run] = runs(project)
    client, run_id = project, run.info.run_id
    edited = run.data.tags["mlflow.note.content"] + "\n\n### Mine\n\nkept"
    client.set_tag(run_id, "mlflow.note.content", edited)
    for auc in (0.1, 0.2):
        tracking.attach("colorunet", model, *evaluation(auc=auc)).close()
    note = client.get_run(run_id).data.tags["mlflow.note.content"]
    assert "- photos: `photos, 0123456789ab, 30 train, 4 val`" in note
    [output] = run.outputs.model_outputs
    assert f"huescape colorize PHOTO… -o FOLDER --system models:/{output.model_id}" in note
    assert note.count("### The model") == 1
    assert "### Mine\n\nkept" in note


def test_parameters_that_differ_from_the_preset_are_named() -> None:
    from huescape.params.presets import preset

    recipe = {**preset("colorunet", "preset"), "quantizer": "yuv32"}
    assert other_than_preset(recipe | {"network": {"name": "colorunet", "width": 8}})[
        "network.width"
    ] == ("8", "16")
    assert other_than_preset({"steps": 3}) is None


def test_a_section_takes_the_place_of_an_older_one_and_leaves_the_rest() -> None:
    note = with_section(with_section("start", "A", "one"), "B", "two")
    assert with_section(note, "A", r"\1 three") == "start\n\n### A\n\n\\1 three\n\n### B\n\ntwo"


@pytest.mark.parametrize("decodes", [None, [1], {"mode": 5}])
def test_scores_that_are_not_by_name_are_one_line(tmp_path: Path, decodes: Any) -> None:
    (tmp_path / "scores.json").write_text(json.dumps({"decode": "mode", "decodes": decodes}))
    with pytest.raises(HuescapeError, match=r"scores\.json: decodes does not hold scores by name"):
        score_table(tmp_path)
