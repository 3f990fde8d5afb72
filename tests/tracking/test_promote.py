"""The command promote in a real SQLite store: what becomes best, what does not, and why."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from huescape import cli, tracking
from huescape.base.arrays import write_arrays
from huescape.base.digests import seal
from huescape.coloring.painting import colorize
from huescape.metrics.photo_sums import PhotoSums
from huescape.params.decodings import ANNEALED
from huescape.params.released import released_model
from huescape.systems.released import own_decoding
from huescape.systems.system import load_system, save_system
from tests.coloring.systems import make_system, picture
from tests.reporting import test_paired as scored
from tests.tracking.test_outages import port, server
from tests.tracking.test_runs import runs

__all__ = ["port"]  # a fixture
PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()
NAMES = ("annealed T=0.38", "median tau=0.3", *scored.NAMES[2:])


@pytest.fixture(autouse=True)
def _project(project: MlflowClient) -> None:
    Path("params.yaml").write_text(PARAMS)


def evaluated(name: str, worse: float, ids: list[str] | None = None) -> scored.Evaluated:
    """An evaluation whose colors are off by so much more, in each photo by another distance."""
    tables = {**scored.TABLES}
    for key in scored.NAMES[:2]:
        tables[key] = scored.tables(3, worse)
    parts = {
        new: scored.parts_of(tables[old], old) for new, old in zip(NAMES, scored.NAMES, strict=True)
    }
    sums = PhotoSums.of(ids or scored.IDS, parts, np.ones(scored.BINS), np.array([0], np.int32))
    one = scored.evaluated(name)
    assert one.distribution is not None
    bits = replace(one.distribution, ids_N=sums.ids_N)
    scores = {**one.scores, "decode": NAMES[0], "decodes": {key: {} for key in NAMES[:2]}}
    return replace(one, scores=scores, photos=sums, distribution=bits)


def score(name: str, worse: float, model: Path, ids: list[str] | None = None) -> None:
    """Write what the stage evaluate writes of a model, as far as it is compared and tracked."""
    folder, one = Path("reports/evaluation") / name, evaluated(name, worse, ids)
    folder.mkdir(parents=True, exist_ok=True)
    weights = json.loads((model / "system.json").read_text())["weights_sha256"]
    record = {**one.scores, "weights_sha256": weights}
    record["settings"] = {**one.scores["settings"], "decode": ANNEALED.model_dump()}
    (folder / "scores.json").write_text(json.dumps(record))
    (folder / "scores.csv").write_text("prediction,auc\ngray,0.5\n")
    write_arrays(folder / "photo_sums.npz", **asdict(one.photos))
    assert one.distribution is not None
    write_arrays(folder / "distribution_sums.npz", **asdict(one.distribution))
    headline = Path(f"reports/evaluation/{name}.json")
    headline.write_text(json.dumps({"auc": 0.9 - worse / 100}))
    seal(folder, headline)


def train(name: str, worse: float, ids: list[str] | None = None, reach: float = 0.1) -> Path:
    """A system that is trained, tracked and scored; other weights for another reach."""
    model = Path("models") / name
    facts = {"name": name, "dataset_digest": "d" * 64, "steps": 2, "loss": 1.5}
    save_system(model, make_system("yuv", reach), facts, "step,loss\n1,2.0\n2,1.5\n")
    with tracking.start_training(name, {"lr": 1}, {"name": "p", "digest": "d" * 64}) as recorder:
        recorder.model(model)
    score(name, worse, model, ids)
    written = (Path("reports/evaluation") / f"{name}{ending}" for ending in (".json", ""))
    tracking.attach(name, model, *written).close()
    return model


def promote(*arguments: str) -> int:
    return cli.main(["promote", *arguments, *([] if "--name" in arguments else ["--name", "land"])])


def _code_of(*arguments: str) -> int:
    """Also where argparse ends the process."""
    try:
        return promote(*arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


def holder(client: MlflowClient, alias: str = "best") -> ModelVersion | None:
    try:
        return client.get_model_version_by_alias("land", alias)
    except MlflowException:
        return None


def number(client: MlflowClient, alias: str = "best") -> int | None:
    """Of the version that has an alias."""
    found = holder(client, alias)
    return int(found.version) if found else None


def test_a_name_that_another_machine_registers_meanwhile_is_taken(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = MlflowClient.create_registered_model

    def too_late(client: MlflowClient, name: str) -> object:
        create(project, name)
        return create(client, name)

    train("one", 4)
    monkeypatch.setattr(MlflowClient, "create_registered_model", too_late)
    assert promote("one") == 0
    assert number(project) == 1


def test_the_first_is_best_and_a_better_one_takes_its_place(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    train("one", 4)
    assert promote("one") == 0
    assert capsys.readouterr().out == "promote: land version 1 is best now (models:/land@best)\n"
    better = train("two", 0, reach=0.2)
    assert promote("two") == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("promote: land version 2 is best now (models:/land@best): Macro AuC 0.")
    assert "against version 1 (95 % interval +0.0" in line
    assert line.endswith(", 12 photos)")
    best = holder(project)
    assert best is not None
    assert (int(best.version), best.tags["huescape.system"]) == (2, "two")
    assert line.endswith(best.tags["huescape.best"])
    photo = picture(24, 32)
    loaded = mlflow.pyfunc.load_model("models:/land@best")
    [colored] = loaded.predict(pd.DataFrame({"image": [photo]}))["image"]
    assert np.array_equal(colored, colorize(load_system(better), photo, as_print=True))
    assert len(runs(project)) == 2


@pytest.mark.parametrize("worse", [0.0, 4.0])
def test_one_that_is_not_better_is_not_registered(
    project: MlflowClient, worse: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same scores are an interval of zero; it has to lie above."""
    train("one", 0)
    train("two", worse, reach=0.2)
    promote("one")
    capsys.readouterr()
    assert promote("two") == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("promote: two does not become best of land: Macro AuC 0.")
    assert line.endswith("nothing is changed (`--alias candidate` would register it)")
    assert [int(one.version) for one in project.search_model_versions("name = 'land'")] == [1]
    assert promote("two", "--alias", "candidate") == 0
    assert (number(project, "candidate"), number(project)) == (2, 1)


def test_the_verdict_is_that_of_the_interval_whichever_score(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The squared errors are alike: by them, what is better by its AuC is not."""
    train("one", 4)
    train("two", 0, reach=0.2)
    promote("one")
    assert promote("two", "--by", "psnr_photo_mean") == 0
    assert "PSNR in dB, mean over photos" in capsys.readouterr().out
    assert number(project) == 1
    assert promote("two", "--by", "auc") == 0
    assert number(project) == 2


def test_force_needs_a_reason_which_is_kept(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    train("one", 0)
    train("two", 4, reach=0.2)
    promote("one")
    assert promote("two", "--force", " ") == 2
    assert "--force is empty" in capsys.readouterr().err
    assert promote("two", "--force", "half the size") == 0
    assert capsys.readouterr().out.endswith(": by force: half the size\n")
    assert holder(project).tags["huescape.best"] == "by force: half the size"  # type: ignore[union-attr]
    assert promote("one", "--force", "it was not") == 0
    assert number(project) == 1, "the way back is the old version"


def test_the_same_again_is_no_new_version(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    train("one", 0)
    for _ in range(2):
        assert promote("one") == 0
    assert capsys.readouterr().out.endswith("promote: land version 1 is best already\n")
    assert promote("one", "--alias", "candidate") == 0
    assert len(project.search_model_versions("name = 'land'")) == 1
    [run] = runs(project)
    assert len(run.outputs.model_outputs) == 1


def test_scores_of_other_photos_are_no_comparison(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    train("one", 4)
    train("two", 0, [f"other/{n}" for n in range(scored.PHOTOS)], reach=0.2)
    promote("one")
    assert promote("two") == 1
    [line] = [one for one in capsys.readouterr().err.splitlines() if "error" in one]
    assert "two was evaluated on other photos than land/1" in line
    assert line.endswith("--force WHY makes it best without a comparison")
    assert number(project) == 1


def test_the_decoding_of_the_project_is_that_of_the_version(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Changed after the training: another model of the same run, decoded by that."""
    model = train("one", 0)
    promote("one")
    old = "decode: {method: annealed, tau: 0.0, temperature: 0.38}"
    assert old in PARAMS
    new = "decode: {method: median, tau: 0.3, temperature: 1.0}"
    Path("params.yaml").write_text(PARAMS.replace(old, new))
    assert promote("one", "--alias", "candidate") == 0
    candidate = holder(project, "candidate")
    assert candidate is not None
    assert number(project, "candidate") == 2
    assert candidate.tags["huescape.decoding"] == "median tau=0.3"
    [run] = runs(project)
    assert len(run.outputs.model_outputs) == 2
    photo = picture(24, 32)
    [found] = mlflow.pyfunc.load_model("models:/land@candidate").predict(
        pd.DataFrame({"image": [photo]})
    )["image"]
    expected = {"method": "median", "tau": 0.3, "temperature": 1.0}
    decoding = ANNEALED.model_validate(expected)
    assert np.array_equal(found, colorize(load_system(model), photo, decoding, as_print=True))
    Path("params.yaml").write_text(PARAMS.replace(old, new.replace("0.3", "0.1")))
    capsys.readouterr()
    assert promote("one", "--alias", "candidate") == 1
    assert "not scored by median tau=0.1, which is its own" in capsys.readouterr().err


def test_what_was_trained_without_tracking_is_published_first(
    project: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUESCAPE_TRACKING", "off")
    train("one", 0)
    assert promote("one") == 0
    [run] = runs(project)
    assert run.data.tags["origin"] == "pulled"
    assert holder(project).run_id == run.info.run_id  # type: ignore[union-attr]


def test_a_shipped_model_can_be_beaten(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = released_model("landscape")
    score("landscape", 4, shipped)
    path = Path("reports/evaluation/landscape/scores.json")
    record, decoding = json.loads(path.read_text()), own_decoding(shipped)
    assert decoding is not None
    assert decoding.name in NAMES
    path.write_text(json.dumps({**record, "decode": decoding.name}))
    seal(path.parent, Path("reports/evaluation/landscape.json"))
    assert promote("landscape") == 0
    loaded = mlflow.pyfunc.load_model("models:/land@best")
    photo = picture(24, 32)
    [found] = loaded.predict(pd.DataFrame({"image": [photo]}))["image"]
    assert np.array_equal(found, colorize(load_system(shipped), photo, decoding, as_print=True))
    [run] = runs(project)
    assert run.data.tags["origin"] == "shipped"
    train("one", 0)
    assert promote("one") == 0
    assert "is best now" in capsys.readouterr().out.splitlines()[-1]


def test_a_version_that_was_registered_by_hand_can_be_beaten(project: MlflowClient) -> None:
    train("one", 4)
    tracking.publish_folders(Path("models"), Path("reports/evaluation"))
    [run] = runs(project)
    location = project.get_logged_model(run.outputs.model_outputs[0].model_id).artifact_location
    project.create_registered_model("land")
    project.create_model_version("land", location, run.info.run_id)
    project.set_registered_model_alias("land", "best", "1")
    train("two", 0, reach=0.2)
    assert promote("two") == 0
    assert number(project) == 2


@pytest.mark.parametrize("has_run", [True, False])
def test_a_best_without_scores_is_one_line(
    project: MlflowClient, has_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = project.create_run("0", tags={"system": "one"}) if has_run else None
    project.create_registered_model("land")
    project.create_model_version("land", "nowhere", bare.info.run_id if bare else None)
    project.set_registered_model_alias("land", "best", "1")
    train("two", 0, reach=0.2)
    assert promote("two") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "land version 1 has no scores to compare with" in line
    assert line.endswith("--force WHY makes it best without a comparison")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody"], 1, "models/nobody: no such model; trained: one; "),
        (["one", "--name", "a/b"], 2, "--name is 'a/b'; allowed: letters, digits, _, - and ."),
        (["one", "--alias", "latest"], 2, "--alias is 'latest'; allowed: "),
        (["one", "--alias", "v2"], 2, "--alias is 'v2'; allowed: "),
        (["one", "--by", "colorfulness"], 2, "invalid choice: 'colorfulness'"),
        (["one", "--onto", "nothing://x"], 1, "MLflow at nothing://x: "),
    ],
)
def test_what_is_wrong_is_one_line(
    project: MlflowClient,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("HUESCAPE_TRACKING", "off")
    train("one", 0)
    capsys.readouterr()
    assert _code_of(*arguments) == code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert project.search_registered_models() == []


def test_scores_of_other_weights_are_refused(
    project: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train("one", 0)
    facts = {"name": "one", "dataset_digest": "d" * 64, "steps": 2, "loss": 1.5}
    save_system(model, make_system("lab"), facts, "step,loss\n1,2.0\n2,1.5\n")
    assert promote("one") == 1
    assert "no scores of models/one; `huescape evaluate one`" in capsys.readouterr().err


def test_another_store_is_a_place_of_its_own(project: MlflowClient, tmp_path: Path) -> None:
    """The run, its scores and its model go with it."""
    train("one", 0)
    other = f"sqlite:///{tmp_path}/team/mlflow.db"
    (tmp_path / "team").mkdir()
    assert promote("one", "--onto", other) == 0
    assert project.search_registered_models() == []
    client = MlflowClient(other)
    [run] = runs(client)
    assert "auc" in run.data.metrics
    place = client.get_model_version_by_alias("land", "best").source
    assert Path(place).is_relative_to(tmp_path / "team/mlruns")
    assert (Path(place) / "MLmodel").is_file()


@pytest.mark.long
def test_a_server_is_a_store_like_another(
    project: MlflowClient,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It keeps the models, and the scores that the next one has to beat."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with server(port, tmp_path / "server", "server"):
        train("one", 4)
        better = train("two", 0, reach=0.2)
        assert promote("one") == 0
        assert promote("two") == 0
        assert "against version 1 (95 % interval +0.0" in capsys.readouterr().out
        found = tracking.find_model("models:/land@best")
        weights = (found.folder / "weights.safetensors").read_bytes()
        assert weights == (better / "weights.safetensors").read_bytes()
        assert promote("one") == 0
        assert "one does not become best of land" in capsys.readouterr().out
