"""k-means initialization from the photos themselves (Krähenbühl et al. 2016).

"Data-dependent Initializations of Convolutional Neural Networks", ICLR 2016, section 4.1: layer by
layer, in the order of execution, the filters become centroids of whitened input patches, and every
channel is scaled to variance 1 and mean 0.1 on the photos. The mean is that of the authors' tool,
whose bias Zhang et al. 2016 left as it is; the paper says 0.

The paper's second stage, which evens out the gradient-to-weight ratios of the layers (section
4.2), is left out, as in the command that Zhang et al. released: the tool has it behind an option.
Adam's steps do not grow with the gradient, which is what that stage is for.

Not as in the tool: it looks at 10 batches of photos and clusters by mini-batches; here it is one
batch, 10,000 patches and Lloyd's iterations. It adds 1e-3 to the variances that it whitens by.

Shape suffixes: N photos, C channels, H rows, W columns of a layer's input; P patches, D values of
a patch, K whitened directions, F filters; I channels in, k, l taps of a kernel.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

Layer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear

MAX_PATCHES = 10_000
_ITERATIONS = 10
# Directions with less than this share of the largest standard deviation are noise, not whitened.
_MIN_DEVIATION = 1e-3
# A channel whose responses vary less, relative to its input, is constant up to rounding.
_CONSTANT = 1e-5
# The mean of every channel.
_BIAS = 0.1


def kmeans_initialize(network: nn.Module, input_N1HW: Tensor, seed: int, unit: float = 1.0) -> None:
    """Set the weights and biases of the layers that are trained, from `input_N1HW`.

    `input_N1HW` holds two photos or more of normalized lightness, on the network's device. The
    network is seen as in training: batch norm uses the statistics of these photos, dropout is off.
    Running statistics and modes are as before afterwards; torch's own generator is not used.

    - Convolutions and dense layers: k-means centroids of at most 10,000 whitened patches. Where
      there are fewer different patches than filters, the patches themselves and random directions.
    - Transposed convolutions: random directions, as in the tool. Layers in groups keep theirs.
    - All are scaled to variance 1 a channel; biases make the mean 0.1. A channel that is constant
      on the photos is not scaled.

    The last layer's weights and biases are divided by `unit`, that of the network's outputs: mean
    0.1 and variance 1 are those of the outputs times `unit`.

    Frozen layers, and layers that do not run, stay as they are. On the CPU the result depends on
    the arguments and the number of threads alone.
    """
    generator = torch.Generator().manual_seed(seed)
    done: dict[nn.Module, Layer] = {}  # in the order of execution

    def initialize(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Layer)
        if layer not in done and layer.weight.requires_grad:
            done[layer] = layer
            _initialize_layer(layer, inputs[0], generator)

    layers = [module for module in network.modules() if isinstance(module, Layer)]
    handles = [layer.register_forward_pre_hook(initialize) for layer in layers]
    try:
        with torch.no_grad(), _as_in_training(network):
            network(input_N1HW)
            for parameter in list(done.values())[-1].parameters() if done else ():
                parameter.div_(unit)
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _as_in_training(network: nn.Module) -> Iterator[None]:
    """Training mode without dropout; modes and buffers are put back."""
    modes = {module: module.training for module in network.modules()}
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    network.train()
    for module in modes:
        if isinstance(module, _DropoutNd):
            module.training = False
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for buffer, before in buffers:
            buffer.copy_(before)


def _initialize_layer(layer: Layer, x: Tensor, generator: torch.Generator) -> None:
    """Directions, then scale, then bias, from the input `x` of the layer."""
    if not _is_grouped(layer):
        layer.weight.copy_(_directions(layer, x, generator))
    if layer.bias is not None:
        layer.bias.zero_()
    response = layer.forward(x)
    channel = 1 if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) else -1
    response_FP = response.movedim(channel, 0).flatten(1)
    std_F, mean_F = torch.std_mean(response_FP, dim=1, correction=0)
    constant_F = std_F <= _CONSTANT * x.abs().max()
    scale_F = torch.where(constant_F, torch.ones_like(std_F), std_F)
    if isinstance(layer, nn.ConvTranspose2d):
        per_group_GF = scale_F.view(layer.groups, -1)
        per_input_IF = per_group_GF.repeat_interleave(layer.in_channels // layer.groups, dim=0)
        layer.weight.div_(per_input_IF[:, :, None, None])
    else:
        layer.weight.div_(scale_F.view(-1, *[1] * (layer.weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias.copy_(_BIAS - mean_F / scale_F)


def _is_grouped(layer: Layer) -> bool:
    return isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.groups > 1


def _directions(layer: Layer, x: Tensor, generator: torch.Generator) -> Tensor:
    """Filters in the shape of the layer's weight; their norms do not matter."""
    if isinstance(layer, nn.Linear):
        return _filters(_pixels(x, generator), layer.out_features, generator)
    if isinstance(layer, nn.ConvTranspose2d):
        return torch.randn(layer.weight.shape, generator=generator).to(layer.weight)
    filters_FD = _filters(_patches(layer, x, generator), layer.out_channels, generator)
    return filters_FD.view(layer.weight.shape)


def _pixels(x: Tensor, generator: torch.Generator) -> Tensor:
    """At most MAX_PATCHES vectors (P, D) along the last dimension of `x`."""
    rows_PD = x.flatten(0, -2)
    chosen_P = torch.randperm(len(rows_PD), generator=generator)[:MAX_PATCHES]
    return rows_PD[chosen_P.to(x.device)]


def _patches(layer: nn.Conv2d, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """At most MAX_PATCHES inputs (P, D) of the layer's output pixels, in the order of its taps."""
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    padded_NCHW = F.pad(x_NCHW, layer._reversed_padding_repeated_twice, mode)
    (kernel_h, kernel_w), (step_h, step_w) = layer.kernel_size, layer.dilation
    reach_h, reach_w = step_h * (kernel_h - 1), step_w * (kernel_w - 1)
    photos, _, height, width = padded_NCHW.shape
    rows = (height - reach_h - 1) // layer.stride[0] + 1
    columns = (width - reach_w - 1) // layer.stride[1] + 1
    chosen_P = torch.randperm(photos * rows * columns, generator=generator)[:MAX_PATCHES]
    chosen_P = chosen_P.to(x_NCHW.device)
    photo_P = chosen_P // (rows * columns)
    top_P = chosen_P // columns % rows * layer.stride[0]
    left_P = chosen_P % columns * layer.stride[1]
    tap_k = step_h * torch.arange(kernel_h, device=x_NCHW.device)
    tap_l = step_w * torch.arange(kernel_w, device=x_NCHW.device)
    patches_PklC = padded_NCHW[
        photo_P[:, None, None],
        :,
        (top_P[:, None] + tap_k)[:, :, None],
        (left_P[:, None] + tap_l)[:, None, :],
    ]
    return patches_PklC.movedim(-1, 1).flatten(1)


def _filters(patches_PD: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` filters (F, D) of norm 1: centroids of the different patches, whitened.

    The rest, where there are fewer different patches, are random directions.
    """
    dimensions = patches_PD.shape[1]
    different_PD = torch.unique(patches_PD, dim=0)
    whitening_DK = _whitening(different_PD, count, generator)
    filters_FD = patches_PD.new_empty((0, dimensions))
    if whitening_DK.shape[1]:
        whitened_PK = (different_PD - different_PD.mean(0)) @ whitening_DK
        filters_FD = _centroids(F.normalize(whitened_PK), count, generator) @ whitening_DK.T
    rest_FD = torch.randn(count - len(filters_FD), dimensions, generator=generator)
    return F.normalize(torch.cat([filters_FD, rest_FD.to(filters_FD)]))


def _whitening(patches_PD: Tensor, rank: int, generator: torch.Generator) -> Tensor:
    """A map (D, K), K <= `rank`, to the leading principal components, with variance 1 each.

    Randomized range finder with one power iteration (Halko, Martinsson & Tropp 2011), as a full
    decomposition takes minutes for thousands of dimensions.
    """
    centered_PD = patches_PD - patches_PD.mean(0)
    size = min(rank + 10, *patches_PD.shape)
    sketch_DR = torch.randn(patches_PD.shape[1], size, generator=generator).to(patches_PD)
    basis_DR = torch.linalg.qr(centered_PD.T @ (centered_PD @ sketch_DR)).Q
    basis_PR = torch.linalg.qr(centered_PD @ basis_DR).Q
    basis_DR, triangle_RR = torch.linalg.qr(centered_PD.T @ basis_PR)
    # The decomposition of the small factor, turned into the patches' space, is that of the whole.
    turn_RR, values_R, _ = torch.linalg.svd(triangle_RR)
    vectors_DR = basis_DR @ turn_RR
    floor = max(_MIN_DEVIATION * float(values_R[0]), _CONSTANT * float(patches_PD.norm()))
    kept = min(rank, int((values_R > floor).sum()))
    whitening_DK: Tensor = vectors_DR[:, :kept] / values_R[:kept] * math.sqrt(len(patches_PD))
    return whitening_DK


def _centroids(points_PK: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """At most `count` k-means centroids of different points: Lloyd's iterations from a sample."""
    sample_F = torch.randperm(len(points_PK), generator=generator)[:count]
    centroids_FK = points_PK[sample_F.to(points_PK.device)]
    if len(points_PK) <= count:
        return centroids_FK
    for _ in range(_ITERATIONS):
        affinity_PF = points_PK @ centroids_FK.T - centroids_FK.square().sum(1) / 2
        nearest_P = affinity_PF.argmax(1)
        sums_FK = torch.zeros_like(centroids_FK).index_add_(0, nearest_P, points_PK)
        sizes_F1 = torch.bincount(nearest_P, minlength=count)[:, None]
        centroids_FK = torch.where(sizes_F1 > 0, sums_FK / sizes_F1.clamp(min=1), centroids_FK)
    return centroids_FK
