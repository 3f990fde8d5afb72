"""Models by their address in a store, and the command that colors with them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from PIL import Image

from huescape import tracking
from huescape.base.errors import HuescapeError
from huescape.cli import main
from huescape.coloring.painting import colorize
from huescape.params.decodings import Decoding
from huescape.systems.system import load_system
from huescape.tracking.store import connect
from tests.coloring.systems import picture
from tests.tracking.test_outages import port, server
from tests.tracking.test_runs import runs, train

__all__ = ["port"]  # a fixture
USUAL = Decoding(method="median", tau=0.4)


@pytest.fixture
def registered(project: MlflowClient, model: Path) -> MlflowClient:
    """The model as version 1 of `land`, decoded by a median; version 2 is by its first decoding."""
    from huescape.tracking.model import log_model

    train(model)
    store = connect(None)
    [run] = runs(project)
    project.create_registered_model("land")
    other = log_model(store, run, model, "colorunet", USUAL)
    first = project.get_logged_model(run.outputs.model_outputs[0].model_id)
    for one in (other, first):
        project.create_model_version(
            "land", one.artifact_location, run.info.run_id, model_id=one.model_id
        )
    project.set_registered_model_alias("land", "best", "1")
    return project


def addresses(client: MlflowClient) -> dict[str, tuple[str, str]]:
    """Addresses with the decoding of what they stand for, and their origin."""
    [run] = runs(client)
    annealed, median = "annealed T=0.38", "median tau=0.4"
    first = min(run.outputs.model_outputs, key=lambda output: output.step).model_id
    return {
        "models:/land@best": (median, "models:/land@best, version 1"),
        "models:/land/1": (median, "models:/land/1, version 1"),
        "models:/land/2": (annealed, "models:/land/2, version 2"),
        "models:/land/latest": (annealed, "models:/land/latest, version 2"),
        f"models:/{first}": (annealed, f"models:/{first}"),
        # The youngest that the run has logged.
        f"runs:/{run.info.run_id}/colorunet": (median, f"runs:/{run.info.run_id}/colorunet"),
        f"runs:/{run.info.run_id}/model": (median, f"runs:/{run.info.run_id}/model"),
        f"runs:/{run.info.run_id}": (median, f"runs:/{run.info.run_id}"),
    }


def test_every_form_of_an_address(registered: MlflowClient, model: Path) -> None:
    weights = (model / "weights.safetensors").read_bytes()
    for address, (decoding, origin) in addresses(registered).items():
        assert tracking.is_address(address)
        found = tracking.find_model(address)
        assert found.decoding is not None
        assert (found.decoding.name, found.origin) == (decoding, origin), address
        assert (found.folder.name, found.folder.is_relative_to(Path.cwd())) == ("colorunet", True)
        assert (found.folder / "weights.safetensors").read_bytes() == weights
        load_system(found.folder)


def _colorize(address: str, *options: str) -> subprocess.CompletedProcess[str]:
    Path("photo.png").unlink(missing_ok=True)
    Image.fromarray(picture(24, 40)).save("photo.png")
    command = [sys.executable, "-m", "huescape", "colorize", "photo.png", "-o", "out"]
    return subprocess.run(
        [*command, "--system", address, "--overwrite", *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_colors_by_an_address(
    registered: MlflowClient, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = _colorize("models:/land@best")
    assert done.returncode == 0, done.stderr
    said = "colorize: colorunet (models:/land@best, version 1), median tau=0.4"
    assert done.stdout.splitlines()[0] == said
    expected = colorize(load_system(model), picture(24, 40), USUAL)
    assert np.array_equal(np.asarray(Image.open("out/photo.png")), expected)
    assert main(["gallery", "photo.png", "-o", "shown", "--system", "models:/land/2"]) == 0
    assert capsys.readouterr().out.startswith("gallery: colorunet (models:/land/2, version 2), ann")
    done = _colorize("models:/land@best", "--method", "mode")
    assert done.stdout.splitlines()[0].endswith("version 1), mode")


def test_a_copied_project_colors_with_its_own(
    registered: MlflowClient,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the copy the original is not there any more."""
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(Path.cwd(), copy)
    shutil.rmtree("mlruns")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(copy)
    found = tracking.find_model("models:/land@best")
    assert found.folder.is_relative_to(copy)
    load_system(found.folder)
    client = MlflowClient(f"sqlite:///{copy}/mlflow.db")
    assert client.get_model_version("land", "1").source.startswith(f"{copy}/mlruns/")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            "models:/sea@best",
            r"no registered model 'sea' in MLflow at sqlite:.*; registered: land;",
        ),
        ("models:/land@worst", r"'land' has no such version; aliases: best$"),
        ("models:/land/7", r"'land' has no such version; versions: 1, 2$"),
        ("models:/land", r"is no address of a model; allowed: models:/NAME@ALIAS, "),
        ("models:/land@best/2", r"is no address of a model; allowed: models:/NAME@ALIAS, "),
        ("models:/", r"is no address of a model; allowed: models:/NAME@ALIAS, "),
        (f"models:/m-{'0' * 32}", r"no model m-0+ in MLflow at sqlite:"),
        (f"runs:/{'0' * 32}/model", r"no such run in MLflow at sqlite:"),
        ("runs:/x'y/model", r"no such run in MLflow at sqlite:"),
        ("runs:/RUN/sea", r"no such model of this run; its models: colorunet$"),
    ],
)
def test_where_nothing_is_one_line_says_what_there_is(
    registered: MlflowClient, address: str, words: str
) -> None:
    address = address.replace("RUN", runs(registered)[0].info.run_id)
    with pytest.raises(HuescapeError, match=f"^{address}: {words}"):
        tracking.find_model(address)


def test_files_that_are_gone_and_models_of_others_are_one_line(
    registered: MlflowClient, tmp_path: Path
) -> None:
    place = Path(registered.get_model_version("land", "1").source)
    text = (place / "MLmodel").read_text()
    (place / "MLmodel").write_text(text.replace("huescape.tracking.served_model", "mlflow.sklearn"))
    with pytest.raises(HuescapeError, match=r"is no model that huescape has logged$"):
        tracking.find_model("models:/land@best")
    shutil.rmtree(place)
    with pytest.raises(HuescapeError, match="version 1: its files are gone: no MLmodel in "):
        tracking.find_model("models:/land@best")


def test_a_run_without_a_model_is_one_line(project: MlflowClient) -> None:
    train()
    with pytest.raises(HuescapeError, match=r"no such model of this run; its models: none$"):
        tracking.find_model(f"runs:/{runs(project)[0].info.run_id}/model")


def test_no_store_is_one_line_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also none that a wrong address would make."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = _colorize("models:/land@best")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"huescape: error: MLflow at sqlite:///mlflow.db: {tmp_path}/mlflow.db is not there; set "
        "MLFLOW_TRACKING_URI, or go to the project\n"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(HuescapeError, match=r"^MLflow at http://127.0.0.1:1: .*refused"):
        tracking.find_model("models:/land@best")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/photo.png")
    with pytest.raises(HuescapeError, match=r"file is not a database$"):
        tracking.find_model("models:/land@best")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png"]


def test_another_experiment_is_not_made_by_looking(
    registered: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    tracking.find_model("models:/land@best")
    assert registered.get_experiment_by_name("other") is None


@pytest.mark.long
def test_a_model_on_a_server_is_brought_here(
    project: MlflowClient,
    model: Path,
    port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And is gone when the process ends."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    rooms = tmp_path / "rooms"
    rooms.mkdir()
    with server(port, tmp_path / "server", "server") as uri:
        train(model)
        client = MlflowClient(uri)
        [run] = runs(client)
        monkeypatch.setenv("TMPDIR", str(rooms))
        done = _colorize(f"runs:/{run.info.run_id}/model")
    assert done.returncode == 0, done.stderr
    expected = colorize(load_system(model), picture(24, 40))
    assert np.array_equal(np.asarray(Image.open("out/photo.png")), expected)
    assert list(rooms.glob("huescape-model-*")) == []
