"""Stage train: one system, from target shards, bins and class weights to `models/<system>/`."""

from __future__ import annotations

import hashlib
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huescape import tracking
from huescape.base import atomic, closure, runtime
from huescape.base.arrays import read_arrays
from huescape.base.digests import read_verified, remedy
from huescape.base.errors import HuescapeError
from huescape.base.tables import NUMBER, WHOLE, frame, table_text
from huescape.distributed.launch import launch
from huescape.losses import LOSSES
from huescape.networks import NETWORKS, parameter_count
from huescape.params.base import Named
from huescape.params.places import (
    CATALOG,
    FIGURES,
    MODELS,
    PARAMS,
    RAW,
    SHARDS,
    bins_of,
    needed,
    prior_of,
)
from huescape.params.presets import read_system, resolve_system
from huescape.params.systems import SystemParams
from huescape.shards import ShardSet
from huescape.shards.remote import Remote, described
from huescape.systems.system import System, build_system, save_system
from huescape.training import checkpoints, devices
from huescape.training.loop import HistoryRow, Recorder
from huescape.training.processes import insist_on_photos
from huescape.training.run import train
from huescape.training.starts import starting_digest


def add_arguments(parser: ArgumentParser) -> None:
    """Which system."""
    parser.add_argument("system", help="a name under `systems:` or `finetuned:` in params.yaml")


def main(options: Namespace) -> dict[str, float] | None:
    """Train one system, as one MLflow run; an interrupted training goes on in the same run.

    In HUESCAPE_PROCESSES processes, or among those that torchrun started; nothing is returned but
    in the first of them.
    """
    name = options.system
    system = resolve_system(name, read_system(PARAMS, name), str(PARAMS))
    if runtime.processes() > 1:
        insist_on_photos(system.batch, runtime.processes())  # not by a thousand processes
        again = "the same command goes on from the last checkpoint"
        launch(runtime.processes(), "train", name, again=again)
        return None
    quantizer = system.quantizer
    shards, remote = described(SHARDS / quantizer)
    paths = shards, prior_of(quantizer), bins_of(quantizer)
    for path in paths:
        needed(path)
    atomic.insist_on_place(MODELS / name)
    system = _with_defaults(system)
    if runtime.rank():
        run(*paths, MODELS / name, system, name=name, remote=remote)
        return None
    recorder = tracking.start_training(
        name,
        system.model_dump(mode="json"),
        _dataset(paths[0]),
        {"preset": system.preset, "quantizer": quantizer},
        resume_key=resume_key(*paths, system),
    )
    with recorder:
        metrics = run(*paths, MODELS / name, system, name=name, recorder=recorder, remote=remote)
        for path in (CATALOG / "summary.csv", FIGURES / f"prior-{quantizer}.png"):
            if path.exists():
                recorder.artifact(path, "data")
        recorder.model(MODELS / name)
    return metrics


def run(
    shards: Path,
    prior: Path,
    bins: Path,
    out: Path,
    params: SystemParams,
    *,
    name: str,
    recorder: Recorder | None = None,
    remote: Remote | None = None,
) -> dict[str, float]:
    """Train system `name` and write `out`; returns `loss`, `grad_norm`, `steps` and `parameters`.

    Without steps, weights are written as they are, and there is no loss. Of many processes, the
    first writes.

    Args:
        shards: folder of target shards of the system's quantizer.
        prior: npz with `weights` (Q,), the class weights, and `empirical` (Q,), the prior.
        bins: npz with `centers` (Q, 2).
        remote: where the columns of the shards are, if not in their folder.
        recorder: is told the loss and shown pictures on the way.
    Raises:
        HuescapeError: a file is missing, damaged or of another quantizer, or the training
            diverged.
        Interrupted: it was stopped; the next run goes on from there.
    """
    params = _with_defaults(params)
    targets = ShardSet.open(shards, kind="targets", remote=remote)
    centers_Q2 = read_arrays(bins, "centers", stage=f"bins@{bins.stem}")["centers"]
    found = read_arrays(prior, "weights", "empirical", stage=f"prior@{prior.stem}")
    weights_Q = found["weights"]
    if weights_Q.shape != (len(centers_Q2),) or not (weights_Q >= 0).all():
        raise HuescapeError(
            f"{prior}: weights have shape {weights_Q.shape}; "
            f"allowed: ({len(centers_Q2)},), none negative, as many as {bins} has centers"
        )
    system = build_system(params, targets.meta, centers_Q2, found["empirical"], pretrained=True)
    if not runtime.rank():
        _say_where_it_starts(name, system)
    if not runtime.local_rank():
        targets.verify()
    folder = (
        runtime.state_dir() / "checkpoints" / f"{name}-{resume_key(shards, prior, bins, params)}"
    )
    history = train(
        system,
        targets,
        weights_Q,
        device=devices.choose_device(),
        checkpoint_dir=folder,
        recorder=recorder,
    )
    if not runtime.rank():
        _write(out, shards, system, history, name)
        checkpoints.CheckpointFolder(folder).remove()
    last = {"loss": history[-1].loss, "grad_norm": history[-1].grad_norm} if history else {}
    return {
        **last,
        "steps": float(params.steps),
        "parameters": float(parameter_count(system.network)),
    }


def _write(
    out: Path, shards: Path, system: System, history: Sequence[HistoryRow], name: str
) -> None:
    """What was trained from `shards`, as the folder `out`."""
    facts = {
        "name": name,
        "dataset_digest": hashlib.sha256(_bytes(shards / "index.json")).hexdigest(),
        "steps": system.params.steps,
        "loss": history[-1].loss if history else None,
    }
    with atomic.fresh_directory(out) as fresh:
        save_system(fresh, system, facts, _table(history))


def _with_defaults(params: SystemParams) -> SystemParams:
    """With the options that were left to the network and the loss: systems can be compared."""
    filled = {
        kind: Named(name=named.name, **registry.check(named.name, named.options))
        for kind, registry, named in (
            ("network", NETWORKS, params.network),
            ("loss", LOSSES, params.loss),
        )
    }
    return params.model_copy(update=filled)


def _say_where_it_starts(name: str, system: System) -> None:
    """A network that could have pretrained weights and has none must not pass for one that has."""
    if system.network.takes_pretrained and system.network.pretrained is None:
        print(f"train: {name} starts WITHOUT pretrained weights (network.pretrained: none)")


def resume_key(shards: Path, prior: Path, bins: Path, params: SystemParams) -> str:
    """16 hex digits of all that decides the weights, the package's code for it included.

    An interrupted training goes on only under the same key.
    """
    start = starting_digest(params.initialization, MODELS)
    described = json.dumps(params.model_dump(mode="json"), sort_keys=True).encode()
    files = (shards / "index.json", prior, bins)
    own = Path("presets") / params.preset
    code = closure.digest(
        "train",
        [
            own / path.relative_to(closure.PACKAGE / own)
            for path in (closure.PACKAGE / own).rglob("*.py")
        ],
    )
    return checkpoints.digest(
        [described, start.encode(), code.encode(), *(_bytes(path) for path in files)]
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror or error}") from error


def _table(history: Sequence[HistoryRow]) -> str:
    """The history as CSV, with as many digits as the numbers have."""
    columns = ("step", "loss", "lr", "grad_norm", "val_loss")
    more = history[0].more if history else {}
    types = {name: WHOLE if name == "step" else NUMBER for name in (*columns, *more)}
    rows = ([*(getattr(row, name) for name in columns), *row.more.values()] for row in history)
    return table_text(frame(rows, types))


def _dataset(shards: Path) -> dict[str, Any]:
    """The photos as MLflow's dataset; where only shards were brought along, what they say."""
    if not (CATALOG / "summary.json").exists() or not (RAW / "sources.json").exists():
        index = shards / "index.json"
        content = read_verified(index, f"encode@{shards.name}")
        digest = hashlib.sha256(content).hexdigest()
        return {"name": "shards", "digest": digest, "source": index.as_posix()}
    path, maker = CATALOG / "summary.json", "filter"
    try:
        summary = json.loads(read_verified(path, maker))
        found = {"digest": summary["dataset_digest"], "counts": summary["splits"]}
        path, maker = RAW / "sources.json", "download"
        sources = json.loads(read_verified(path, maker))
        return {"name": "+".join(source["name"] for source in sources), **found}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HuescapeError(f"{path}: does not say what it should; {remedy(maker)}") from error
