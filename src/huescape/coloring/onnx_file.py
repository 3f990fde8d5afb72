"""An exported program as the bytes of an ONNX file; the packages for it are an extra, `onnx`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

import torch
from torch.export import ExportedProgram

from huescape.base.errors import HuescapeError

#: Names of the graph's input and output, and of its unknown sides.
INPUT, OUTPUT, SIDES = "picture", "colored", ("height", "width")
_PACKAGES = ("onnx", "onnxscript")


def insist_on_packages() -> None:
    """Raise HuescapeError where a package is missing that writes ONNX."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise HuescapeError(
            f"ONNX needs Python packages that are not installed: {', '.join(missing)}; "
            "`pip install 'huescape[onnx]'`"
        )


def as_onnx(program: ExportedProgram, about: Mapping[str, str]) -> bytes:
    """One file, weights included: `INPUT` to `OUTPUT`, `about` in its metadata.

    Args:
        program: of one argument (1, H, W, 3), whose sides H and W are unknown.
    """
    with _quiet():
        found = torch.onnx.export(
            program,
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({1: SIDES[0], 2: SIDES[1]},),
        )
    assert found is not None
    model = found.model_proto
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.functions):
        del part.metadata_props[:]  # paths of this machine
    for key, value in about.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString(deterministic=True)
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter says of itself, and of packages that it does not need, to itself."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        log.setLevel(level)
