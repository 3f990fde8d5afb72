"""What each subcommand calls: its own section of the parameters, its paths, its stage.

Stages and the models of the parameters are imported where they are needed, so that
`huescape --help` loads none of their libraries.
"""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from huescape.base.digests import read_verified, remedy
from huescape.base.errors import HuescapeError, ParamsError
from huescape.base.runtime import state_dir
from huescape.params.places import (
    BINS,
    CATALOG,
    CHECKED,
    EVALUATION,
    FIGURES,
    MODELS,
    PAGE,
    PARAMS,
    PRIORS,
    RAW,
    REPORTS,
    RESIZED,
    SHARDS,
)

if TYPE_CHECKING:
    from huescape.params.load import Params

T = TypeVar("T")


def checked_params() -> Params:
    """All of params.yaml; ParamsError for what is wrong in it."""
    from huescape.params.load import load_params

    return load_params(PARAMS)


def check(options: Namespace) -> None:
    """Validate params.yaml, the systems' networks and pretrained weights included.

    A person gets the whole check, which writes nothing; the stage remembers what passed.
    """
    if options.stage:
        from huescape.stages import check as stage

        _say("check", stage.run(PARAMS, CHECKED, state_dir() / "checked"))
        return
    params = checked_params()
    from huescape.systems.checks import check_systems  # loads torch: after all that needs none

    check_systems(params, str(PARAMS))
    listed = ", ".join(sorted(params.systems)) or "none"
    print(
        f"{PARAMS} is valid; systems: {listed}; quantizers: {', '.join(sorted(params.quantizers))}"
    )


def download(options: Namespace) -> None:
    """List the photos of all sources, or compare the list with the disk."""
    from huescape.stages import download as stage

    params = checked_params().download
    if options.check:
        changed = stage.check_unchanged(RAW / "manifest.csv", params)
        if changed:
            raise HuescapeError(
                f"{len(changed)} photos are not what the manifest says, the first: {changed[0]}; "
                "list them anew with `dvc repro -f download`"
            )
        print("every photo is what the manifest says")
        return
    _say("download", stage.run(RAW, params))


def filter_(options: Namespace) -> None:
    """Decide which photos are kept."""
    from huescape.stages import filter as stage

    _say("filter", stage.run(RAW, CATALOG, checked_params().filter))


def resize(options: Namespace) -> None:
    """Fit the kept photos into squares."""
    from huescape.stages import resize as stage

    params = checked_params().resize
    part = {"partition": options.partition, "gather": options.gather}
    _say("resize", stage.run(CATALOG, RESIZED, params, **part))


def bins(options: Namespace) -> None:
    """Learn the color bins of one quantizer."""
    from huescape.stages import bins as stage

    name, params = options.quantizer, checked_params()
    quantizer = _entry(params.quantizers, name, "quantizers")
    _say("bins", stage.run(RESIZED, _bins(name), quantizer.space, quantizer.bins))


def encode(options: Namespace) -> None:
    """Encode the targets of one quantizer."""
    from huescape.stages import encode as stage

    name, params = options.quantizer, checked_params()
    quantizer = _entry(params.quantizers, name, "quantizers")
    metrics = stage.run(
        RESIZED,
        _bins(name),
        _shards(name),
        quantizer.space,
        quantizer.encode,
        name=name,
        partition=options.partition,
        gather=options.gather,
    )
    _say("encode", metrics)


def prior(options: Namespace) -> None:
    """Estimate the prior of one quantizer, and its class weights."""
    from huescape.stages import prior as stage

    name, params = options.quantizer, checked_params()
    quantizer = _entry(params.quantizers, name, "quantizers")
    figure = FIGURES / f"prior-{name}.png"
    metrics = stage.run(
        _bins(name), _shards(name), _prior(name), figure, quantizer.space, quantizer.prior
    )
    _say("prior", metrics)


def train(options: Namespace) -> None:
    """Train one system, as one MLflow run; an interrupted training goes on in the same run."""
    from huescape import networks, tracking
    from huescape.params.load import resolve_system
    from huescape.stages import train as stage
    from huescape.systems.checks import check_systems

    name, params = options.system, checked_params()
    system = resolve_system(name, _entry(params.systems, name, "systems"))
    check_systems(params, str(PARAMS))  # all of them: before the first is trained
    paths = _shards(system.quantizer), _prior(system.quantizer), _bins(system.quantizer)
    for path in paths:
        _need(path)
    described = system.model_dump(mode="json")
    described["network"] |= networks.check_options(system.network.name, system.network.options)
    recorder = tracking.start_training(
        name,
        described,
        _dataset(paths[0]),
        {"preset": system.preset, "quantizer": system.quantizer},
        resume_key=stage.resume_key(*paths, system),
    )
    with recorder:
        metrics = stage.run(*paths, MODELS / name, system, name=name, recorder=recorder)
        for path in (CATALOG / "summary.csv", FIGURES / f"prior-{system.quantizer}.png"):
            if path.exists():
                recorder.artifact(path, "data")
        recorder.model(MODELS / name)
    _say("train", metrics)


def evaluate(options: Namespace) -> None:
    """Score one system and the baselines, and add the scores to the run that trained it."""
    from huescape import tracking
    from huescape.stages import evaluate as stage

    name, params = options.system, checked_params()
    _entry(params.systems, name, "systems")
    scores, folder = EVALUATION / f"{name}.json", EVALUATION / name
    scoring = params.evaluate.prior
    metrics = stage.run(
        _need(MODELS / name),
        _need(RESIZED),
        _need(_bins(scoring)),
        _need(_prior(scoring)),
        scores,
        folder,
        params.evaluate,
    )
    with tracking.attach(name, MODELS / name) as recorder:
        recorder.results(json.loads(read_verified(scores, f"evaluate@{name}", folder)))
        for path in (scores, folder):
            recorder.artifact(path, "evaluation")
    _say("evaluate", metrics)


def report(options: Namespace) -> None:
    """Write the page on everything that was run, from what the stages make and nothing else."""
    from huescape.engines import leftovers, lockfile
    from huescape.stages import report as stage

    params = checked_params()  # first: a name that is wrong there would make others look gone
    lockfile.tell(leftovers.sweep_orphans() + leftovers.undeclared())
    evaluations = [EVALUATION / f"{name}.json" for name in params.systems]
    priors = {name: _prior(name) for name in params.quantizers}
    metrics = stage.run(
        RAW,
        CATALOG,
        evaluations,
        MODELS,
        priors,
        FIGURES,
        PAGE,
        params.report,
        params_file=PARAMS,
        comparison=REPORTS / "compare.csv",
        checked_claims=REPORTS / "claims.csv",
        side_by_side=REPORTS / "side_by_side",
    )
    _say("report", metrics)


def _bins(quantizer: str) -> Path:
    return BINS / f"{quantizer}.npz"


def _shards(quantizer: str) -> Path:
    return SHARDS / quantizer


def _prior(quantizer: str) -> Path:
    return PRIORS / f"{quantizer}.npz"


def _need(path: Path) -> Path:
    if not path.exists():
        raise HuescapeError(f"{path}: no such file or folder; `dvc repro` makes it")
    return path


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


def _entry(entries: Mapping[str, T], name: str, section: str) -> T:
    if name not in entries:
        allowed = ", ".join(sorted(entries)) or "none"
        raise ParamsError(f"{PARAMS}: {section}.{name} is not there; allowed: {allowed}")
    return entries[name]


def _say(stage: str, metrics: Mapping[str, float]) -> None:
    """One line on standard output, for the logs of both engines."""
    print(f"{stage}: " + ", ".join(f"{name} {value:g}" for name, value in metrics.items()))
