"""Tool promote: register a system in MLflow, as the best of a name if it is better than that."""

from __future__ import annotations

import re
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huescape.base.errors import HuescapeError, ParamsError, one_line
from huescape.params.decodings import Decoding
from huescape.params.places import EVALUATION
from huescape.params.released import RELEASED

if TYPE_CHECKING:
    from huescape.reporting.inputs import Evaluated
    from huescape.reporting.paired import Line
    from huescape.tracking.mlflow_api import ModelVersion
    from huescape.tracking.registry import Registry

#: The alias that a model has to earn.
BEST = "best"
#: What one may be better by: of each, more is better.
SCORES = ("auc_macro", "auc", "auc_photo_mean", "psnr_photo_mean")
_NAME = re.compile(r"[\w.-]+")
_ALIAS = re.compile(r"(?!latest\Z|v\d+\Z)[\w-]+", re.IGNORECASE)  # as MLflow allows it


@dataclass(frozen=True)
class Entrant:
    """The system that is to be registered, its decoding, and its scores: for MLflow, and here."""

    folder: Path
    decoding: Decoding
    record: dict[str, Any]
    scores: Evaluated


def add_arguments(parser: ArgumentParser) -> None:
    """Which system, under which name, and how it is to earn it."""
    parser.add_argument(
        "system", help="a system that was trained and scored here, or a shipped one"
    )
    parser.add_argument("--name", required=True, help="of the registered model: 'landscape'")
    parser.add_argument(
        "--alias",
        default=BEST,
        help=f"what the version is to be called (default: {BEST}, which it has to earn by scores; "
        "any other is given)",
    )
    parser.add_argument(
        "--by", choices=SCORES, default=SCORES[0], help=f"the score (default: {SCORES[0]})"
    )
    parser.add_argument(
        "--force", metavar="WHY", help=f"{BEST} without a comparison; the reason is kept"
    )
    parser.add_argument(
        "--onto", metavar="ADDRESS", help="a store of MLflow other than the project's"
    )


def main(options: Namespace) -> None:
    """Register a system, and let the alias stand for it where that is earned or given."""
    _refuse_names(options)
    from huescape import tracking

    entrant = _entrant(options.system)
    with tracking.open_registry(options.onto) as registry:
        print(f"promote: {one_line(_promoted(registry, entrant, options))}")


def _refuse_names(options: Namespace) -> None:
    if not _NAME.fullmatch(options.name):
        raise ParamsError(f"--name is {options.name!r}; allowed: letters, digits, _, - and .")
    if not _ALIAS.fullmatch(options.alias):
        allowed = "letters, digits, _ and -, but not latest or v1"
        raise ParamsError(f"--alias is {options.alias!r}; allowed: {allowed}")
    if options.force is not None and not options.force.strip():
        raise ParamsError("--force is empty; allowed: the reason, in a few words")


def _entrant(system: str) -> Entrant:
    """Raises HuescapeError for a system that is not scored, or not by its own decoding."""
    from huescape import tracking
    from huescape.reporting.inputs import read_evaluated
    from huescape.systems import chosen

    folder = chosen.find_model(system)
    record = tracking.evaluation_of(folder, EVALUATION, is_shipped=folder.parent == RELEASED)
    decoding, scores = chosen.usual_decoding(folder), read_evaluated(EVALUATION, folder.name)
    if scores.scores["head"] != "chroma" and decoding.name not in scores.scores["decodes"]:
        raise HuescapeError(
            f"{EVALUATION / folder.name}: not scored by {decoding.name}, which is its own; "
            f"`huescape evaluate {folder.name}` does that"
        )
    return Entrant(folder, decoding, record, scores)


def _promoted(registry: Registry, entrant: Entrant, options: Namespace) -> str:
    """What became of it."""
    name, alias, reason = options.name, options.alias, ""
    holder = registry.holder(name, alias)
    if holder and registry.is_of(holder, entrant.folder, entrant.decoding):
        return f"{name} version {holder.version} is {alias} already"
    if options.force is not None:
        reason = f"by force: {options.force}"
    elif holder and alias == BEST:
        line = _contest(registry, holder, entrant, options.by)
        reason = _said(line, entrant, holder.version)
        if line.difference is None or not (line.difference.low or 0) > 0:
            return (
                f"{entrant.folder.name} does not become {alias} of {name}: {reason}; nothing "
                "is changed (`--alias candidate` would register it)"
            )
    version = registry.register(name, entrant.record, entrant.folder, entrant.decoding)
    registry.give(version, alias, {f"huescape.{alias}": reason or "the first, or asked for"})
    because = f": {reason}" if reason else ""
    return f"{name} version {version.version} is {alias} now (models:/{name}@{alias}){because}"


def _contest(registry: Registry, holder: ModelVersion, entrant: Entrant, score: str) -> Line:
    """A score of the entrant, and its difference from that of the holder, on the same photos."""
    from huescape.reporting import paired
    from huescape.reporting.inputs import read_evaluated

    try:
        with tempfile.TemporaryDirectory() as room:
            best = read_evaluated(*registry.scores_of(holder, Path(room)))
        best = replace(best, name=f"{holder.name}/{holder.version}")
        found = paired.limited([best, entrant.scores], [], [])
        kept = holder.tags.get("huescape.decoding") or best.scores["decode"]
        first, second = zip(found, (kept, entrant.decoding.name), strict=True)
        rows = paired.predictions([_by(*first), _by(*second)])
    except HuescapeError as error:
        raise HuescapeError(f"{error}; --force WHY makes it {BEST} without a comparison") from error
    for line in paired.compared(rows):
        if line.score == score and line.label == rows[1].label and line.difference:
            return line
    raise HuescapeError(f"{score} is undefined on these photos; allowed: --by with another of them")


def _by(one: Evaluated, decoding: str) -> tuple[Evaluated, str]:
    """A regression has nothing to decode."""
    return one, "" if one.scores["head"] == "chroma" else decoding


def _said(line: Line, entrant: Entrant, version: str) -> str:
    from huescape.reporting.paired import SCORES as SHOWN

    label, digits = SHOWN[line.score]
    difference, photos = line.difference, len(entrant.scores.photos.ids_N)
    assert difference is not None  # as `_contest` chose it
    interval = "no interval of a single photo"
    if difference.low is not None and difference.high is not None:
        interval = f"95 % interval {difference.low:+.{digits}f} to {difference.high:+.{digits}f}"
    return (
        f"{label} {line.own.value:.{digits}f}, {difference.value:+.{digits}f} against version "
        f"{version} ({interval}, {photos:,} photos)"
    )
