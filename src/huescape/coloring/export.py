"""A trained system as one file that needs torch alone: torch.export's `.pt2`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn

from huescape.base import atomic
from huescape.base.errors import ParamsError
from huescape.color.decoding import Method, decode_unchecked, rarity, upsample_chroma
from huescape.color.median import weiszfeld
from huescape.coloring.prediction import seen_size
from huescape.params.decodings import Decoding
from huescape.systems.system import System, load_system, refuse_decoding


class Colorizer(nn.Module):
    """Lightness (1, 1, H, W) in the space's units to chroma (1, 2, H, W), by one decoding.

    H and W are fixed when it is exported, and are what the network sees: nothing is scaled up.
    """

    centers_Q2: Tensor
    rarity_Q: Tensor | None

    def __init__(self, system: System, decoding: Decoding) -> None:
        super().__init__()
        self.network = system.network
        self.head, self.scale = system.head, float(system.space.chroma_scale)
        self.offset, self.input_scale = system.space.input_offset, system.space.input_scale
        self.stride = system.network.stride
        self.method, self.temperature = _method(system, decoding), decoding.temperature
        centers_Q2 = torch.as_tensor(system.centers, dtype=torch.float32)
        self.register_buffer("centers_Q2", centers_Q2)
        rarity_Q = rarity(decoding.tau, torch.as_tensor(system.prior)).float()
        self.register_buffer("rarity_Q", rarity_Q if decoding.tau else None)

    def forward(self, lightness_11HW: Tensor) -> Tensor:
        """The same as `System.predict_chroma`, for photos of at least the system's view."""
        output = self.network((lightness_11HW - self.offset) / self.input_scale)
        if self.head == "chroma":
            chroma = output * self.scale
        else:
            how = self.method, self.temperature, self.rarity_Q
            chroma = decode_unchecked(output, self.centers_Q2, *how, median=weiszfeld)
        size = (lightness_11HW.shape[-2], lightness_11HW.shape[-1])
        return upsample_chroma(chroma, size, self.stride)


def _method(system: System, decoding: Decoding) -> Method:
    """How one position is decoded by itself; ParamsError where that takes the others."""
    if decoding.method != "diffuse":
        return decoding.method
    if system.head == "chroma":  # which has nothing to decode
        return "annealed"
    raise ParamsError(
        "--method is diffuse, which solves equations for each photo and is no graph of torch's; "
        f"allowed for export: {', '.join(get_args(Method))}"
    )


def export_system(
    model: Path, out: Path, decoding: Decoding, size: int | None = None, asked: Sequence[str] = ()
) -> None:
    """Write the system in `model` as `out`, for photos of `size` x `size` pixels.

    By default, `size` is the system's view, or 256.

    `torch.export.load(out).module()` is the exported `Colorizer`. Raises ParamsError for another
    suffix than .pt2, a size that the network cannot take, a decoding that was `asked` for (the
    names of the options) of a regression, or `diffuse`, which solves equations of the photo's own.
    """
    if out.suffix != ".pt2":
        raise ParamsError(f"--output is {out}; allowed: a file called *.pt2")
    system = load_system(model)
    refuse_decoding(system, model.name, asked)
    multiple, view = system.network.multiple, system.params.geometry.view
    size = seen_size(system, None) if size is None else size
    if view and size < view:
        raise ParamsError(f"--size is {size}; allowed for this system: at least its view, {view}")
    if size < multiple or size % multiple:
        raise ParamsError(f"--size is {size}; allowed for this network: a multiple of {multiple}")
    # Channels-last weights make `save` warn that it found no complete tensor.
    system.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    example = torch.zeros(1, 1, size, size)
    program = torch.export.export(Colorizer(system, decoding).eval(), (example,))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    atomic.write_bytes(out, buffer.getvalue())
