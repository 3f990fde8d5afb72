"""MLflow's addresses of models, `models:/NAME@ALIAS` and their like: as folders of systems."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from huescape.base.errors import HuescapeError
from huescape.params.decodings import Decoding
from huescape.tracking.mlflow_api import MlflowException, Model, ModelVersion, download_artifacts
from huescape.tracking.model import LOADER
from huescape.tracking.store import Store

ALLOWED = "allowed: models:/NAME@ALIAS, models:/NAME/VERSION, models:/MODEL_ID or runs:/RUN/NAME"
_VERSION = re.compile(r"models:/(?P<name>[^/@:]+)(?:@(?P<alias>[^/@:]+)|/(?P<version>\d+|latest))")
_LOGGED = re.compile(r"models:/(?P<id>m-[0-9a-f]{32})")
_RUN = re.compile(r"runs:/(?P<run>[^/]+)(?:/(?P<name>[^/]+))?/?")
_ANY = "model"  # by which a run's model can be asked for, whatever its name
_SHOWN = 20


@dataclass(frozen=True)
class FoundModel:
    """A model of a store, on this machine.

    Attributes:
        folder: as `load_system` takes it.
        decoding: its own; None of what an older huescape logged.
        origin: the address, and what it stands for now.
    """

    folder: Path
    decoding: Decoding | None
    origin: str


def resolve(store: Store, address: str) -> FoundModel:
    """The model at an address; downloaded for as long as this process lives if it is elsewhere.

    Raises HuescapeError for an address of no form, and for one where nothing is, with what there
    is; what else mlflow raises as it comes.
    """
    if match := _LOGGED.fullmatch(address):
        return _opened(store, address, _location(store, address, match["id"]))
    if match := _VERSION.fullmatch(address):
        version = _version(store, address, match)
        place = store.client.get_model_version_download_uri(version.name, version.version)
        if logged := _LOGGED.fullmatch(place):
            place = _location(store, address, logged["id"])
        return _opened(store, f"{address}, version {version.version}", place)
    if match := _RUN.fullmatch(address):
        return _opened(store, address, _of_run(store, address, match["run"], match["name"]))
    raise HuescapeError(f"{address}: is no address of a model; {ALLOWED}")


def _version(store: Store, address: str, asked: re.Match[str]) -> ModelVersion:
    client, name = store.client, asked["name"]
    try:
        registered = client.get_registered_model(name)
    except MlflowException as error:
        if not is_missing(error):
            raise
        known = ", ".join(one.name for one in client.search_registered_models(max_results=_SHOWN))
        raise HuescapeError(
            f"{address}: no registered model {name!r} in MLflow at {store.uri}; registered: "
            f"{known or 'none'}; `huescape promote SYSTEM --name {name}` makes it"
        ) from error
    versions = [int(one.version) for one in client.search_model_versions(f"name = '{name}'")]
    number = asked["version"]
    if asked["alias"]:
        number = registered.aliases.get(asked["alias"])
        allowed = f"aliases: {', '.join(sorted(registered.aliases)) or 'none'}"
    else:
        number = max(versions, default=None) if number == "latest" else int(number)
        allowed = f"versions: {', '.join(map(str, sorted(versions)[-_SHOWN:])) or 'none'}"
    if number is None or int(number) not in versions:
        raise HuescapeError(f"{address}: {name!r} has no such version; {allowed}")
    return client.get_model_version(name, str(number))


def _of_run(store: Store, address: str, run_id: str, name: str | None) -> str:
    """Where the run's model lies; the youngest of the name."""
    try:
        run = store.client.get_run(run_id)
    except MlflowException as error:
        if not is_missing(error):
            raise
        raise HuescapeError(f"{address}: no such run in MLflow at {store.uri}") from error
    found = store.client.search_logged_models(
        [run.info.experiment_id],
        f"source_run_id = '{run.info.run_id}'",
        order_by=[{"field_name": "creation_timestamp", "ascending": False}],
    )
    ready = [one for one in found if one.status == "READY"]
    for model in ready:
        if name in (None, _ANY, model.name):
            return str(model.artifact_location)
    known = ", ".join(sorted({one.name for one in ready})) or "none"
    raise HuescapeError(f"{address}: no such model of this run; its models: {known}")


def _location(store: Store, address: str, model_id: str) -> str:
    try:
        return str(store.client.get_logged_model(model_id).artifact_location)
    except MlflowException as error:
        if not is_missing(error):
            raise
        raise HuescapeError(f"{address}: no model {model_id} in MLflow at {store.uri}") from error


def is_missing(error: MlflowException) -> bool:
    """Whether MLflow says that there is no such thing, or that its name is none."""
    return error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")


def _opened(store: Store, origin: str, location: str) -> FoundModel:
    folder = _local(location) or _downloaded(store, location)
    if not (folder / "MLmodel").is_file():
        raise HuescapeError(f"{origin}: its files are gone: no MLmodel in {folder}")
    flavor = Model.load(str(folder)).flavors.get("python_function", {})
    if flavor.get("loader_module") != LOADER or not flavor.get("data"):
        raise HuescapeError(f"{origin}: is no model that huescape has logged")
    config = flavor.get("config")
    decoding = Decoding.model_validate(config) if config else None
    return FoundModel(folder / flavor["data"], decoding, origin)


def _local(location: str) -> Path | None:
    """The folder of an address on this machine; None for any other."""
    parts = urlparse(location)
    if parts.scheme not in ("", "file"):
        return None
    return Path(unquote(parts.path)) if parts.scheme else Path(location)


def _downloaded(store: Store, location: str) -> Path:
    room = tempfile.mkdtemp(prefix="huescape-model-")
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    return Path(download_artifacts(location, dst_path=room, tracking_uri=store.uri))
