"""Registered models: numbered versions below a name, and the aliases by which they are asked for.

A version says in tags what it is: the digest of its system's folder, its decoding, and the run that
keeps its scores photo by photo, with which the next one is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.params.decodings import Decoding
from huescape.tracking.mlflow_api import LoggedModel, MlflowException, ModelVersion, Run
from huescape.tracking.model import DECODING_TAG, colorizer_of, log_model
from huescape.tracking.model_addresses import is_missing
from huescape.tracking.notices import cause
from huescape.tracking.publish import MODEL_TAG, publish, trained
from huescape.tracking.records import Record, folder_digest
from huescape.tracking.store import Store, made_meanwhile, outages

SCORES_TAG, SYSTEM_TAG = "huescape.scores.run", "huescape.system"
SCORES = "evaluation"  # the folder of a run's artifacts


class Registry:
    """The registered models of a store. Its methods raise Outage where it cannot be used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def holder(self, name: str, alias: str) -> ModelVersion | None:
        """The version that has an alias."""
        with outages():
            try:
                number = self._store.client.get_registered_model(name).aliases.get(alias)
            except MlflowException as error:
                if not is_missing(error):
                    raise
                return None
            return self._store.client.get_model_version(name, str(number)) if number else None

    def is_of(self, version: ModelVersion, folder: Path, decoding: Decoding) -> bool:
        """Whether a version is of the system in `folder` by this decoding."""
        return _is_alike(version, version_tags(folder, decoding))

    def register(self, name: str, record: Record, folder: Path, decoding: Decoding) -> ModelVersion:
        """The version of the system in `folder` by one decoding: that which is there, or a new one.

        What the store lacks is published first: the run, the scores, the model. `record` is that
        of the evaluation.
        """
        with outages():
            scored = publish(self._store, record)
            run = trained(self._store, record["of"]) if record.get("of") else None
            run = run or self._store.client.get_run(scored)
            tags = version_tags(folder, decoding) | {SCORES_TAG: scored}
            if known := self._version(name, tags):
                self._tag(known, tags)  # the scores may be newer
                return known
            found = colorizer_of(self._store, run, decoding)
            model = found or log_model(self._store, run, folder, record["name"], decoding)
            return self._made(name, run, model, tags)

    def give(self, version: ModelVersion, alias: str, tags: Mapping[str, str]) -> None:
        """Let an alias stand for a version from now on; `tags` say why."""
        with outages():
            self._tag(version, tags)
            self._store.client.set_registered_model_alias(version.name, alias, version.version)

    def scores_of(self, version: ModelVersion, room: Path) -> tuple[Path, str]:
        """Bring the scores of a version into `room`: the folder of evaluations, and its system.

        Raises HuescapeError for a version whose run has none.
        """
        run_id = version.tags.get(SCORES_TAG) or version.run_id
        what = f"{version.name} version {version.version} has no scores to compare with"
        try:
            run = self._store.client.get_run(run_id)
            system = version.tags.get(SYSTEM_TAG) or run.data.tags["system"]
            path = f"{SCORES}/{system}"
            folder = Path(self._store.client.download_artifacts(run_id, path, str(room)))
        except Exception as error:
            raise HuescapeError(f"{what}: run {run_id}: {cause(error)}") from error
        if not (folder / "photo_sums.npz").is_file():
            raise HuescapeError(f"{what}: run {run_id} keeps none photo by photo")
        return folder.parent, folder.name

    def _version(self, name: str, tags: Mapping[str, str]) -> ModelVersion | None:
        versions = self._store.client.search_model_versions(f"name = '{name}'")
        alike = [one for one in versions if _is_alike(one, tags)]
        return max(alike, key=lambda one: int(one.version), default=None)

    def _made(
        self, name: str, run: Run, model: LoggedModel, tags: Mapping[str, str]
    ) -> ModelVersion:
        client = self._store.client
        try:
            client.get_registered_model(name)
        except MlflowException as error:
            if not is_missing(error):
                raise
            with made_meanwhile():
                client.create_registered_model(name)
        return client.create_model_version(
            name,
            model.artifact_location,
            run.info.run_id,
            tags=dict(tags),
            model_id=model.model_id,
        )

    def _tag(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            if version.tags.get(key) != value:
                self._store.client.set_model_version_tag(version.name, version.version, key, value)


def version_tags(folder: Path, decoding: Decoding) -> dict[str, str]:
    """What tells versions apart: the system's folder, by its digest, and the decoding."""
    return {
        MODEL_TAG: folder_digest(folder),
        DECODING_TAG: decoding.name,
        SYSTEM_TAG: folder.name,
    }


def _is_alike(version: ModelVersion, tags: Mapping[str, str]) -> bool:
    return all(version.tags.get(key) == tags[key] for key in (MODEL_TAG, DECODING_TAG))
