"""Read and check params.yaml, once and whole, for the command line and the Snakefile alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from huescape.base.errors import ParamsError
from huescape.params.base import Key, Section
from huescape.params.download import DownloadParams
from huescape.params.geometry import check_geometry
from huescape.params.inputs import input_files, refuse_outputs, source_files
from huescape.params.messages import short
from huescape.params.perception import NeighborsParams, PerceivedParams
from huescape.params.photos import FilterParams, ResizeParams
from huescape.params.presets import resolve_system
from huescape.params.probes import ProbedParams
from huescape.params.quantizers import QuantizerParams
from huescape.params.released import ReleasedParams, released_models
from huescape.params.reports import EvaluateParams, ReportParams
from huescape.params.sections import validate
from huescape.params.systems import FinetunedOverrides, SystemOverrides, SystemParams
from huescape.params.unseen import GeneralizedParams, UnseenParams
from huescape.params.yaml_files import read_yaml

# A split that is not trained on; dvc.yaml puts it into paths, commands and names of stages.
Split = Annotated[str, Field(pattern=r"^(test|val)$")]
_SHIPPED = "a shipped model"


class Params(Section):
    """All of params.yaml."""

    download: DownloadParams = DownloadParams()
    filter: FilterParams = FilterParams()
    resize: ResizeParams = ResizeParams()
    quantizers: dict[Key, QuantizerParams]
    systems: dict[Key, SystemOverrides]
    finetuned: dict[Key, FinetunedOverrides] = Field(default_factory=dict)
    released: dict[Key, ReleasedParams] = Field(default_factory=dict)
    """Models that come with the package, by name: scored beside the systems, and not trained."""
    probed: dict[Key, ProbedParams] = Field(default_factory=dict)
    """Systems that are trained here, by name, whose blocks are probed."""
    probed_released: dict[Key, ProbedParams] = Field(default_factory=dict)
    """Models that come with the package, by name, whose blocks are probed."""
    unseen: dict[Key, UnseenParams] = Field(default_factory=dict)
    """Sources that nothing is trained on, by name."""
    generalized: dict[Key, GeneralizedParams] = Field(default_factory=dict)
    """Scores of systems that are trained here on sources of `unseen`, by a name of the user's."""
    generalized_released: dict[Key, GeneralizedParams] = Field(default_factory=dict)
    """Scores of models that come with the package on sources of `unseen`, likewise."""
    evaluate: EvaluateParams = EvaluateParams()
    perceived: dict[Key, PerceivedParams] = Field(default_factory=dict)
    """Systems that are trained here, by name, whose colors ImageNet classifiers look at."""
    perceived_released: dict[Key, PerceivedParams] = Field(default_factory=dict)
    """Models that come with the package, by name, whose colors ImageNet classifiers look at."""
    neighbors: dict[Split, NeighborsParams] = Field(default_factory=dict)
    """Splits (`test`, `val`) whose photos are looked for among the training photos."""
    report: ReportParams = ReportParams()

    @model_validator(mode="after")
    def _names_differ(self) -> Params:
        for name in sorted(self.systems.keys() & self.finetuned.keys()):
            raise ValueError(
                f"finetuned.{name}: systems.{name} has that name; allowed: another one"
            )
        for name in sorted(self.every_system.keys() & self.released.keys()):
            section = self.every_system[name].section
            raise ValueError(
                f"released.{name}: {section}.{name} has that name; allowed: another one for the "
                "system"
            )
        return self

    @model_validator(mode="after")
    def _opted_for_exist(self) -> Params:
        pairs = (
            ("probed", self.probed, self.probed_released),
            ("perceived", self.perceived, self.perceived_released),
        )
        for section, trained, shipped in pairs:
            known = (
                (section, trained, sorted(self.every_system), "a system"),
                (f"{section}_released", shipped, released_models(), _SHIPPED),
            )
            for key, entries, names, what in known:
                _check_names(key, entries, names, what)
            for name in sorted(trained.keys() & shipped.keys()):
                raise ValueError(
                    f"{section}_released.{name}: {section}.{name} has that name; "
                    "allowed: one of them"
                )
        return self

    @model_validator(mode="after")
    def _generalized_exist(self) -> Params:
        for section, entries, names, what in (
            ("generalized", self.generalized, sorted(self.every_system), "a system"),
            ("generalized_released", self.generalized_released, released_models(), _SHIPPED),
        ):
            for name, entry in entries.items():
                for key, value, known, kind in (
                    ("system", entry.system, names, what),
                    ("unseen", entry.unseen, sorted(self.unseen), "a source of unseen"),
                ):
                    if value not in known:
                        allowed = ", ".join(known) or "none"
                        raise ValueError(
                            f"{section}.{name}.{key}: {short(value)} is not {kind}; "
                            f"allowed: {allowed}"
                        )
        for name in sorted(self.generalized.keys() & self.generalized_released.keys()):
            raise ValueError(
                f"generalized_released.{name}: generalized.{name} has that name; "
                "allowed: another one"
            )
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        for name in self.released:
            if name not in released_models():
                shipped = ", ".join(released_models()) or "none"
                raise ValueError(
                    f"released.{name}: no model of that name comes with huescape; "
                    f"allowed: {shipped}"
                )
        listed = ", ".join(sorted(self.quantizers)) or "none"
        for name, system in self.every_system.items():
            if system.quantizer not in self.quantizers:
                raise ValueError(
                    f"{system.section}.{name}.quantizer: {short(system.quantizer)} is not a "
                    f"quantizer; allowed: {listed}"
                )
        if self.evaluate.prior not in self.quantizers:
            raise ValueError(
                f"evaluate.prior: {short(self.evaluate.prior)} is not a quantizer; "
                f"allowed: {listed}"
            )
        scoring = self.quantizers[self.evaluate.prior]
        if scoring.space != "lab":
            raise ValueError("evaluate.prior: scores need a quantizer with space = lab")
        if scoring.encode.method == "cell":
            raise ValueError(
                "evaluate.prior: scores count a color in its nearest bin, and a quantizer with "
                "encode.method cell does not; allowed: soft, hard, chroma"
            )
        return self

    @property
    def every_system(self) -> dict[str, SystemOverrides]:
        """Those that are trained by themselves, then those that start from one of them."""
        return {**self.systems, **self.finetuned}


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read, validate and return the parameters; every preset that is named is resolved too.

    Raises ParamsError, in one line that names the file, the dotted key and what is allowed.
    """
    return validated(read_yaml(path), str(path))


def validated(values: Any, where: str, project: Path = Path()) -> Params:
    """The parameters that `values`, read from `where`, hold, to be used in the folder `project`.

    See `load_params`.
    """
    params = validate(Params, values, where)
    refuse_outputs(source_files(params.download), where, project)
    for name, unseen in params.unseen.items():
        files = unseen.source.paths.items()
        named = ((f"unseen.{name}.source.{key}", path) for key, path in files)
        refuse_outputs(named, where, project)
    for name, overrides in params.every_system.items():
        system, key = resolve_system(name, overrides, where), f"{overrides.section}.{name}"
        _check_start(overrides, system, params, f"{where}: {key}")
        _check_geometry(key, system, params, where)
        refuse_outputs(input_files(key, system), where, project)
    _check_strides(params, where)
    return params


def schema() -> dict[str, Any]:
    """The JSON schema of params.yaml, for editors."""
    return Params.model_json_schema()


def _check_start(
    overrides: SystemOverrides, system: SystemParams, params: Params, key: str
) -> None:
    """What a system starts from is where dvc.yaml reads it, and nowhere else."""
    start = overrides.initialization.get("from")
    if overrides.section == "systems" and system.initialization.start is not None:
        raise ParamsError(
            f"{key}.initialization.from names a system; allowed in the section `finetuned` alone, "
            "whose trainings wait for those that they start from"
        )
    if overrides.section == "finetuned" and start not in params.systems:
        found = "is missing" if start is None else f"is {short(start)}"
        listed = ", ".join(sorted(params.systems)) or "none"
        raise ParamsError(f"{key}.initialization.from {found}; allowed: one of `systems`: {listed}")
    if not system.steps and system.initialization.method not in ("system", "released"):
        raise ParamsError(
            f"{key}.steps is 0; allowed: at least 1 with initialization.method "
            f"{system.initialization.method}"
        )


def _check_geometry(key: str, system: SystemParams, params: Params, where: str) -> None:
    stride = params.quantizers[system.quantizer].encode.stride
    try:
        check_geometry(system.augmentation, system.geometry, params.resize.size, stride)
    except ParamsError as error:
        raise ParamsError(f"{where}: {key}.{error}") from error


def _check_strides(params: Params, where: str) -> None:
    """Targets lie on a regular grid only where their stride divides the photos."""
    for name, quantizer in params.quantizers.items():
        stride = quantizer.encode.stride
        if params.resize.size % stride:
            raise ParamsError(
                f"{where}: quantizers.{name}.encode.stride is {stride}; "
                f"allowed: a divisor of resize.size = {params.resize.size}"
            )


def _check_names(section: str, entries: Iterable[str], names: Sequence[str], what: str) -> None:
    for name in entries:
        if name not in names:
            allowed = ", ".join(names) or "none"
            raise ValueError(f"{section}.{name}: is not {what}; allowed: {allowed}")
