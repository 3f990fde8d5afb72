"""A system as one file that colors pictures without this package: torch.export's, or ONNX."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram
from torch.fx.experimental import _config as symbolic

import huescape
from huescape.base import atomic
from huescape.base.errors import ParamsError
from huescape.coloring import onnx_file
from huescape.coloring.manner import check_size
from huescape.coloring.picture_module import PictureModule
from huescape.coloring.prediction import seen_size
from huescape.params.decodings import Decoding
from huescape.systems.system import System, load_system, read_description, refuse_decoding

#: What a file in torch.export's format says of itself, among its extra files.
ABOUT = "huescape.json"
# Any picture will do to trace the graph. The file holds it, so it is small.
_EXAMPLE = (1, 7, 11, 3)

About = dict[str, str]


def export_system(
    model: Path, out: Path, decoding: Decoding, size: int | None = None, asked: Sequence[str] = ()
) -> None:
    """Write the system in `model` as `out`, a `.pt2` or `.onnx`, for pictures of any size.

    Its input is RGB (1, H, W, 3) uint8, gray repeated; its output the same picture in color, as
    `painting.colorize` gives it without `edges`, within 4 levels, and most alike. What it was made
    of is in its metadata. ONNX has input `picture` and output `colored`; the other is for
    `torch.export.load(out).module()`.

    Args:
        size: as in `prediction.predict`.
    Raises:
        ParamsError: another suffix, a size out of range, a decoding that was `asked` for (the
            names of the options) of a regression, or `diffuse`, which is no graph.
        HuescapeError: no system in `model`, packages that ONNX needs are missing, or `out` cannot
            be written.
    """
    check_size(size)
    writer = _writer(out)
    system = load_system(model)
    refuse_decoding(system, model.name, asked)
    atomic.insist_on_place(out)
    program = _program(system, decoding, size)
    atomic.write_bytes(out, writer(program, _about(system, model, decoding, size)))


def _writer(out: Path) -> Callable[[ExportedProgram, About], bytes]:
    """What makes the content of a file called so."""
    if out.suffix == ".pt2":
        return _as_pt2
    if out.suffix == ".onnx":
        onnx_file.insist_on_packages()
        return onnx_file.as_onnx
    raise ParamsError(f"--output is {out}; allowed: a file called *.pt2 or *.onnx")


def _program(system: System, decoding: Decoding, size: int | None) -> ExportedProgram:
    # Channels-last weights make `save` warn that it found no complete tensor.
    system.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    module = PictureModule(system, decoding, size).eval().requires_grad_(False)
    picture_1HW3 = torch.zeros(_EXAMPLE, dtype=torch.uint8)
    sides = ({1: Dim.DYNAMIC, 2: Dim.DYNAMIC},)
    # Otherwise a side that is 1 somewhere within the network would be refused.
    patched = symbolic.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]
    with patched, torch.no_grad():
        program = torch.export.export(module, (picture_1HW3,), dynamic_shapes=sides)
    for node in program.graph.nodes:  # paths of this machine
        node.meta.pop("stack_trace", None)
    return program


def _about(system: System, model: Path, decoding: Decoding, size: int | None) -> About:
    """What the file says of itself: which model it is, and how it colors."""
    is_regression = system.head == "chroma"
    return {
        "huescape": huescape.__version__,
        "model": model.resolve().name,
        "weights_sha256": str(read_description(model)["weights_sha256"]),
        "decoding": "none" if is_regression else decoding.name,
        "size": str(seen_size(system, size)),
    }


def _as_pt2(program: ExportedProgram, about: About) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={ABOUT: json.dumps(about, sort_keys=True)})
    return buffer.getvalue()
