"""MLflow's own commands on a promoted model: a server over HTTP, and `mlflow models predict`."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from PIL import Image

from huescape.color.spaces import rgb_to_yuv
from huescape.coloring.painting import colorize
from huescape.landscapes.render import render_scene
from huescape.params.decodings import Decoding
from huescape.systems.system import load_system
from tests.tracking.test_outages import port, server
from tests.tracking.test_promote import PARAMS, promote, train

__all__ = ["port"]  # a fixture
SERVED = ("models", "serve", "-m", "models:/land@best", "--env-manager", "local")


@pytest.fixture
def photo() -> np.ndarray:
    """A rendered landscape of some size."""
    return render_scene("l/lake/natural", np.random.default_rng(5), 300, 200)


@pytest.fixture
def promoted(project: MlflowClient) -> Path:
    """The folder of a system that is best of `land`."""
    Path("params.yaml").write_text(PARAMS)
    model = train("one", 0)
    assert promote("one") == 0
    return model


def body(*photos: np.ndarray | bytes, **params: object) -> dict[str, Any]:
    rows = []
    for one in photos:
        file = io.BytesIO()
        if isinstance(one, np.ndarray):
            Image.fromarray(one).save(file, format="PNG")
        content = one if isinstance(one, bytes) else file.getvalue()
        rows.append({"image": base64.b64encode(content).decode()})
    return {"dataframe_records": rows, "params": params}


def opened(text: str) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert image.format == "PNG"
    return np.asarray(image)


def post(uri: str, content: object) -> tuple[int, Any]:
    """Status and answer."""
    request = urllib.request.Request(
        f"{uri}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.long
def test_a_server_colors_what_it_is_sent(
    promoted: Path, photo: np.ndarray, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the store of the project, in which MLflow finds it without any setting."""
    system = load_system(promoted)
    with server(port, tmp_path, *SERVED) as uri:
        status, answer = post(uri, body(photo, photo[..., 0]))
        assert status == 200, answer
        first, second = (opened(row["image"]) for row in answer["predictions"])
        assert np.array_equal(first, colorize(system, photo, as_print=True))
        assert second.shape == photo.shape
        change_HW = rgb_to_yuv(first)[..., 0] - rgb_to_yuv(photo)[..., 0]
        assert np.abs(change_HW).max() < 0.01, "the lightness is kept, up to 8 bits"
        status, answer = post(uri, body(photo, temperature=0.05))
        assert status == 200, answer
        sharper = opened(answer["predictions"][0]["image"])
        assert np.array_equal(sharper, colorize(system, photo, Decoding(temperature=0.05)))
        assert (sharper != first).any()
        for content, words in (
            (body(photo, b"hello, world"), "row 1: is not a photo, or damaged"),
            (body(photo, tau=3.0), "tau is 3; allowed: 0 to 1"),
            (body(photo, tau="much"), "Can not safely convert"),
            ({"dataframe_records": [{"picture": "x"}]}, "Model is missing inputs ['image']"),
        ):
            status, answer = post(uri, content)
            assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
            assert words in answer["message"].splitlines()[-1]
            assert "Traceback" not in answer["message"]
        example = json.loads(next(tmp_path.rglob("serving_input_example.json")).read_text())
        assert post(uri, example)[0] == 200


@pytest.mark.long
def test_mlflow_predicts_from_a_file(promoted: Path, photo: np.ndarray) -> None:
    Path("photos.json").write_text(json.dumps(body(photo, strength=0.5)))
    command = [
        *(sys.executable, "-m", "mlflow", "models", "predict", "-m", "models:/land@best"),
        *("--env-manager", "local", "-i", "photos.json", "-t", "json", "-o", "colored.json"),
    ]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [row] = json.loads(Path("colored.json").read_text())["predictions"]
    expected = colorize(load_system(promoted), photo, strength=0.5)
    assert np.array_equal(opened(row["image"]), expected)
