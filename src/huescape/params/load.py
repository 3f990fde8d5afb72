"""Read and check params.yaml, once and whole, for the command line and the Snakefile alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import model_validator

from huescape.base.errors import ParamsError
from huescape.params.base import Key, Section
from huescape.params.download import DownloadParams
from huescape.params.geometry import check_geometry
from huescape.params.inputs import input_files, refuse_outputs, source_files
from huescape.params.messages import short
from huescape.params.photos import FilterParams, ResizeParams
from huescape.params.presets import resolve_system
from huescape.params.quantizers import QuantizerParams
from huescape.params.reports import EvaluateParams, ReportParams
from huescape.params.sections import validate
from huescape.params.systems import SystemOverrides, SystemParams
from huescape.params.yaml_files import read_yaml


class Params(Section):
    """All of params.yaml."""

    download: DownloadParams = DownloadParams()
    filter: FilterParams = FilterParams()
    resize: ResizeParams = ResizeParams()
    quantizers: dict[Key, QuantizerParams]
    systems: dict[Key, SystemOverrides]
    evaluate: EvaluateParams = EvaluateParams()
    report: ReportParams = ReportParams()

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        listed = ", ".join(sorted(self.quantizers)) or "none"
        for name, system in self.systems.items():
            if system.quantizer not in self.quantizers:
                raise ValueError(
                    f"systems.{name}.quantizer: {short(system.quantizer)} is not a quantizer; "
                    f"allowed: {listed}"
                )
        if self.evaluate.prior not in self.quantizers:
            raise ValueError(
                f"evaluate.prior: {short(self.evaluate.prior)} is not a quantizer; "
                f"allowed: {listed}"
            )
        if self.quantizers[self.evaluate.prior].space != "lab":
            raise ValueError("evaluate.prior: scores need a quantizer with space = lab")
        return self


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
    for name, overrides in params.systems.items():
        system = resolve_system(name, overrides, where)
        _check_geometry(name, system, params, where)
        refuse_outputs(input_files(name, system), where, project)
    _check_strides(params, where)
    return params


def schema() -> dict[str, Any]:
    """The JSON schema of params.yaml, for editors."""
    return Params.model_json_schema()


def _check_geometry(name: str, system: SystemParams, params: Params, where: str) -> None:
    stride = params.quantizers[system.quantizer].encode.stride
    try:
        check_geometry(system.augmentation, system.geometry, params.resize.size, stride)
    except ParamsError as error:
        raise ParamsError(f"{where}: systems.{name}.{error}") from error


def _check_strides(params: Params, where: str) -> None:
    """Targets lie on a regular grid only where their stride divides the photos."""
    for name, quantizer in params.quantizers.items():
        stride = quantizer.encode.stride
        if params.resize.size % stride:
            raise ParamsError(
                f"{where}: quantizers.{name}.encode.stride is {stride}; "
                f"allowed: a divisor of resize.size = {params.resize.size}"
            )
