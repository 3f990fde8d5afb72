"""A trained system as one file that needs torch alone: torch.export's `.pt2`."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn

from huescape.base import atomic
from huescape.base.errors import ParamsError
from huescape.color import decoding
from huescape.systems.system import System, load_system


class Colorizer(nn.Module):
    """Lightness (1, 1, H, W) in the space's units to chroma (1, 2, H, W), at one temperature.

    H and W are fixed when it is exported.
    """

    def __init__(self, system: System, temperature: float) -> None:
        super().__init__()
        self.network = system.network
        self.head, self.scale = system.head, float(system.space.chroma_scale)
        self.offset, self.input_scale = system.space.input_offset, system.space.input_scale
        self.stride = system.network.stride
        self.temperature = temperature
        centers_Q2 = torch.as_tensor(system.centers, dtype=torch.float32)
        self.register_buffer("centers_Q2", centers_Q2)

    def forward(self, lightness_11HW: Tensor) -> Tensor:
        """The same as `System.predict_chroma`."""
        output = self.network((lightness_11HW - self.offset) / self.input_scale)
        if self.head == "chroma":
            chroma = output * self.scale
        else:  # the annealed mean, without its checks of the data, which no graph can hold
            weights_1Qhw = torch.softmax(output / self.temperature, dim=1)
            chroma = torch.einsum("nqhw,qc->nchw", weights_1Qhw, self.centers_Q2)
        size = (lightness_11HW.shape[-2], lightness_11HW.shape[-1])
        return decoding.upsample_chroma(chroma, size, self.stride)


def export_system(model: Path, out: Path, temperature: float, size: int) -> None:
    """Write the system in `model` as `out`, for photos of `size` x `size` pixels.

    `torch.export.load(out).module()` is the exported `Colorizer`. Raises ParamsError for another
    suffix than .pt2, or a size that the network cannot take.
    """
    if out.suffix != ".pt2":
        raise ParamsError(f"--output is {out}; allowed: a file called *.pt2")
    system = load_system(model)
    multiple = system.network.multiple
    if size < multiple or size % multiple:
        raise ParamsError(f"--size is {size}; allowed for this network: a multiple of {multiple}")
    # Channels-last weights make `save` warn that it found no complete tensor.
    system.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    example = torch.zeros(1, 1, size, size)
    program = torch.export.export(Colorizer(system, temperature).eval(), (example,))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    atomic.write_bytes(out, buffer.getvalue())
