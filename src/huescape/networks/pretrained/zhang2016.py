"""The authors' released weights of the eight-block network (Zhang et al. 2016), as ours.

A state dict of 2016's `colorization_release_v2` in its PyTorch edition (`eccv16`): blocks `model1`
to `model8` with the layers of ours, the head at the end of `model8`, and `model_out`, a layer that
turns probabilities into chroma and holds the bins. It maps one to one onto `zhang2016` of width 64,
`centered: false`, on (L - 50) / 100 and the 313 bins in the order of `gamut`. Only `model_out` is
left out: the mean over its bins at temperature 1, for which the annealed mean stands here.

Its norms may have a scale g and a shift b, which ours lack: running statistics take them up,
g (x - m) / s + b = (x - (m - b s / g)) / (s / g) with s^2 = v + eps.

Shape suffixes: Q bins, C channels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from huescape.base.errors import HuescapeError
from huescape.networks.pretrained.weights import read_state

_BINS = "model_out.weight"
_LAST = {"0": "conv8.up", "2": "conv8.conv2", "4": "conv8.conv3", "6": "head"}
_LAYER = re.compile(r"model([1-8])\.(\d)\.(\w+)")
_EPS = 1e-5
# Half a step of the grid, in Lab units: farther off, a bin is another one.
_TOLERANCE = 5.0


def released_state(
    path: Path, own: Mapping[str, Tensor], centers_Q2: Tensor | None
) -> dict[str, Tensor]:
    """The file's tensors under the names of `own`, the state of a network that they are for.

    `centers_Q2` are the system's bins, in Lab units; None leaves them unseen. Raises HuescapeError
    for a file that cannot be read, holds other names or shapes, or has its bins in another order.
    """
    state = dict(read_state(path))
    bins_2Q11 = state.pop(_BINS, None)
    given = {_own_name(name): tensor for name, tensor in state.items()}
    norms = [name.removesuffix("running_mean") for name in own if name.endswith("running_mean")]
    affine = {norm: [given.pop(norm + kind, None) for kind in ("weight", "bias")] for norm in norms}
    found = {name: tensor.shape for name, tensor in given.items() if not _counts(name)}
    wanted = {name: tensor.shape for name, tensor in own.items() if not _counts(name)}
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise HuescapeError(
                f"{path}: does not fit: {name} is {_words(found.get(name))} there and "
                f"{_words(wanted.get(name))} in the network"
            )
    if bins_2Q11 is None or (centers_Q2 is not None and not _same_bins(bins_2Q11, centers_Q2)):
        raise HuescapeError(
            f"{path}: does not fit: its {_BINS} does not hold the system's bins in their order; "
            "allowed: a quantizer of space lab, rule gamut, step 10"
        )
    for norm, (scale_C, shift_C) in affine.items():
        _fold(given, norm, scale_C, shift_C, path)
    return given


def _own_name(name: str) -> str:
    """`model1.4.running_mean` is conv1.4.running_mean; a name of no layer stays."""
    match = _LAYER.fullmatch(name)
    if match is None:
        return name
    block, place, kind = match.groups()
    layer = _LAST.get(place, f"conv8.{place}") if block == "8" else f"conv{block}.{place}"
    return f"{layer}.{kind}"


def _counts(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _words(shape: torch.Size | None) -> str:
    return "missing" if shape is None else str(list(shape))


def _same_bins(bins_2Q11: Tensor, centers_Q2: Tensor) -> bool:
    """Whether they are the centers, in whatever unit."""
    bins_Q2 = bins_2Q11.flatten(1).T.to(centers_Q2)
    if bins_Q2.shape != centers_Q2.shape:
        return False
    unit = (bins_Q2 * centers_Q2).sum() / centers_Q2.square().sum()
    return bool((bins_Q2 / unit - centers_Q2).abs().max() < _TOLERANCE)


def _fold(
    given: dict[str, Tensor],
    norm: str,
    scale_C: Tensor | None,
    shift_C: Tensor | None,
    path: Path,
) -> None:
    """Running statistics that do what these do with a scale and a shift after them."""
    mean_C, variance_C = given[norm + "running_mean"], given[norm + "running_var"]
    scale_C = torch.ones_like(mean_C) if scale_C is None else scale_C
    shift_C = torch.zeros_like(mean_C) if shift_C is None else shift_C
    if scale_C.shape != mean_C.shape or shift_C.shape != mean_C.shape or (scale_C <= 0).any():
        raise HuescapeError(
            f"{path}: does not fit: {norm}weight and {norm}bias are no positive scale and shift of "
            f"{len(mean_C)} channels"
        )
    deviation_C = (variance_C + _EPS).sqrt() / scale_C
    given[norm + "running_mean"] = mean_C - shift_C * deviation_C
    given[norm + "running_var"] = deviation_C.square() - _EPS
