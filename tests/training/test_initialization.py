"""k-means initialization: its law, its parts against slow references, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from torch import Tensor, nn

from huescape import networks
from huescape.training import initialization
from huescape.training.initialization import kmeans_initialize

Layers = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


def photos(seed: int = 0, count: int = 4, size: int = 32) -> Tensor:
    """Smooth random lightness in [-0.5, 0.5]: (N, 1, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, size // 4, size // 4, generator=generator)
    smooth = F.interpolate(coarse, (size, size), mode="bicubic")
    return (smooth - 0.5 + 0.02 * torch.randn(smooth.shape, generator=generator)).clamp(-0.5, 0.5)


def fresh(name: str = "zhang2016", width: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return networks.build(name, {"width": width}, 7)


def responses(network: nn.Module, input_N1HW: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, mean and standard deviation of every channel of every layer, as in training."""
    found: list[tuple[str, Tensor, Tensor]] = []

    def note(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        flat = output.movedim(1, 0).flatten(1)
        found.append((type(layer).__name__, flat.mean(1), flat.std(1, correction=0)))

    layers = [module for module in network.modules() if isinstance(module, Layers)]
    handles = [layer.register_forward_hook(note) for layer in layers]
    with torch.no_grad():
        network.train()(input_N1HW)
    for handle in handles:
        handle.remove()
    assert len(found) == len(layers)
    yield from found


@pytest.mark.parametrize("name", ["zhang2016", "colorunet", "flat"])
def test_every_channel_has_mean_a_tenth_and_variance_1(name: str) -> None:
    network, input_N1HW = fresh(name), photos()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    kmeans_initialize(network, input_N1HW, seed=1)
    for kind, mean_F, std_F in responses(network, input_N1HW):
        torch.testing.assert_close(
            mean_F, torch.full_like(mean_F, 0.1), rtol=0, atol=1e-3, msg=kind
        )
        torch.testing.assert_close(std_F, torch.ones_like(std_F), rtol=1e-3, atol=0, msg=kind)
    weights = [key for key, value in before.items() if value.ndim == 4]
    assert all(not torch.equal(network.state_dict()[key], before[key]) for key in weights)


def test_outputs_in_another_unit_are_divided_by_it() -> None:
    """Chroma: variance 1 and mean 0.1 in Lab units, where the network gives ab / 110."""
    plain, chroma, input_N1HW = fresh(), fresh(), photos()
    kmeans_initialize(plain, input_N1HW, seed=1)
    kmeans_initialize(chroma, input_N1HW, seed=1, unit=110.0)
    for (name, one), other in zip(plain.named_parameters(), chroma.parameters(), strict=True):
        expected = one / 110 if name.startswith("head.") else one
        torch.testing.assert_close(other, expected, msg=name)


def test_same_seed_same_weights_whatever_they_were_before() -> None:
    input_N1HW = photos()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second, other = fresh(), networks.build("zhang2016", {"width": 4}, 7), fresh()
    torch.set_rng_state(state)
    for network, seed in [(first, 1), (second, 1), (other, 2)]:
        kmeans_initialize(network, input_N1HW, seed=seed)
    assert torch.equal(torch.get_rng_state(), state)
    pairs = zip(first.parameters(), second.parameters(), other.parameters(), strict=True)
    for one, same, different in pairs:
        assert torch.equal(one, same)
        assert not torch.equal(one, different)


@pytest.mark.parametrize("training", [True, False])
def test_buffers_modes_and_layout_are_as_before(training: bool) -> None:
    network = fresh("colorunet").train(training)
    network.down1.norm.eval()
    network.down2.norm.running_mean.fill_(3)
    modes = [module.training for module in network.modules()]
    buffers = [buffer.clone() for buffer in network.buffers()]
    kmeans_initialize(network, photos(), seed=1)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(a, b) for a, b in zip(network.buffers(), buffers, strict=True))
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in weights_4d(network))
    assert all(p.requires_grad and p.grad is None for p in network.parameters())


def weights_4d(network: nn.Module) -> list[nn.Parameter]:
    return [p for p in network.parameters() if p.ndim == 4]


def test_frozen_layers_and_layers_that_do_not_run_are_left_alone() -> None:
    network = fresh()
    network.unused = nn.Conv2d(1, 2, 3)
    network.conv2.requires_grad_(False)
    kept = [p.clone() for part in (network.conv2, network.unused) for p in part.parameters()]
    kmeans_initialize(network, photos(), seed=1)
    after = [p for part in (network.conv2, network.unused) for p in part.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(kept, after, strict=True))


@pytest.mark.parametrize("value", [0.0, 0.3, -0.5])
@pytest.mark.parametrize("name", ["zhang2016", "colorunet"])
def test_a_constant_input_gives_finite_weights(name: str, value: float) -> None:
    network, input_N1HW = fresh(name), torch.full((2, 1, 32, 32), value)
    kmeans_initialize(network, input_N1HW, seed=1)
    assert all(p.isfinite().all() and p.abs().max() < 1e6 for p in network.parameters())
    assert network(photos()).isfinite().all()


class _Mixed(nn.Module):
    """What the published networks do not have: dropout, groups, no bias, dense layers, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 5, padding=2, padding_mode="reflect", bias=False)
        self.grouped = nn.Conv2d(6, 6, 3, padding=1, groups=3)
        self.raised = nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1, groups=2)
        self.dense = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4 * 32 * 32, 300))

    def forward(self, x_N1HW: Tensor) -> Tensor:
        x_NCHW = self.raised(self.grouped(self.grouped(self.first(x_N1HW)).relu()).relu())
        result: Tensor = self.dense(x_NCHW.relu())
        return result


def test_groups_dense_layers_and_dropout() -> None:
    torch.manual_seed(0)
    network, input_N1HW = _Mixed(), photos(count=6, size=16)
    kmeans_initialize(network, input_N1HW, seed=1)
    again = _Mixed()
    again.load_state_dict(network.state_dict())
    again.dense[1].p = 0.0
    found = list(responses_of_first_calls(again, input_N1HW))
    for kind, mean_F, std_F in found:
        torch.testing.assert_close(std_F, torch.ones_like(std_F), rtol=1e-3, atol=0, msg=kind)
        if kind != "first":  # without a bias
            torch.testing.assert_close(mean_F, torch.full_like(mean_F, 0.1), rtol=0, atol=1e-3)
    # 300 filters from 6 rows: the rest are random directions, none of them twice.
    weight_FD = F.normalize(network.dense[2].weight.detach())
    similar = weight_FD[6:] @ weight_FD[6:].T - torch.eye(294)
    assert similar.abs().max() < 0.2


def responses_of_first_calls(
    network: _Mixed, input_N1HW: Tensor
) -> Iterator[tuple[str, Tensor, Tensor]]:
    with torch.no_grad():
        first = network.first(input_N1HW)
        grouped = network.grouped(first)
        raised = network.raised(network.grouped(grouped.relu()).relu())
        dense = network.dense.train()(raised.relu())
    for kind, x in [("first", first), ("grouped", grouped), ("raised", raised), ("dense", dense)]:
        flat = x.movedim(1, 0).flatten(1)
        yield kind, flat.mean(1), flat.std(1, correction=0)


@settings(max_examples=40, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_patches_are_those_of_unfold(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    x = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    layer = nn.Conv2d(3, 1, kernel, stride, padding, dilation)
    found = initialization._patches(layer, x, torch.Generator().manual_seed(1)).numpy()
    unfolded = F.unfold(x, kernel, dilation, padding, stride).movedim(1, 2).flatten(0, 1).numpy()
    assert found.shape == unfolded.shape
    order = np.lexsort(found.T), np.lexsort(unfolded.T)
    np.testing.assert_array_equal(found[order[0]], unfolded[order[1]])


def test_patches_are_a_sample_of_at_most_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialization, "MAX_PATCHES", 50)
    generator = torch.Generator().manual_seed(1)
    x = torch.arange(2 * 100.0).view(2, 1, 10, 10)
    found = initialization._patches(nn.Conv2d(1, 1, 1), x, generator)
    assert found.shape == (50, 1)
    assert len(found.unique()) == 50
    assert (found >= 100).any()
    assert (found < 100).any()


@pytest.mark.parametrize(("count", "rank"), [(400, 6), (12, 30)])
def test_whitened_patches_have_unit_covariance_along_the_leading_components(
    count: int, rank: int
) -> None:
    rng = np.random.default_rng(0)
    patches_PD = rng.normal(size=(count, 30)) * 0.6 ** np.arange(30) + rng.normal(size=30)
    whitening_DK = initialization._whitening(
        torch.tensor(patches_PD), rank, torch.Generator().manual_seed(0)
    ).numpy()
    kept = whitening_DK.shape[1]
    assert kept == (6 if rank == 6 else 11)
    centered_PD = patches_PD - patches_PD.mean(0)
    whitened_PK = centered_PD @ whitening_DK
    np.testing.assert_allclose(whitened_PK.T @ whitened_PK / count, np.eye(kept), atol=1e-9)
    vectors_DK = np.linalg.svd(centered_PD, full_matrices=False)[2][:kept].T
    aligned = np.linalg.svd(vectors_DK.T @ np.linalg.qr(whitening_DK)[0])[1]
    np.testing.assert_allclose(aligned, 1, atol=1e-4)


def test_noise_below_the_floor_is_not_whitened() -> None:
    generator = torch.Generator().manual_seed(0)
    patches_PD = torch.randn(200, 10, generator=generator) * torch.tensor([1.0] * 3 + [1e-5] * 7)
    assert initialization._whitening(patches_PD, 10, generator).shape == (10, 3)


def test_centroids_are_those_of_scikit_learn_from_the_same_start() -> None:
    points_PK = F.normalize(torch.randn(500, 4, generator=torch.Generator().manual_seed(0)))
    start = torch.randperm(500, generator=torch.Generator().manual_seed(1))[:12]
    found = initialization._centroids(points_PK, 12, torch.Generator().manual_seed(1))
    reference = KMeans(12, init=points_PK[start].numpy(), n_init=1, max_iter=10, tol=0)
    expected = reference.fit(points_PK.numpy()).cluster_centers_
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_filters_find_the_patterns_that_patches_are_made_of() -> None:
    """Patches are one of 8 orthogonal patterns, either sign, and noise: each is some filter."""
    rng = np.random.default_rng(0)
    patterns_FD = np.linalg.qr(rng.normal(size=(16, 8)))[0].T
    patches_PD = patterns_FD[rng.integers(0, 8, 4000)] * rng.choice([-1, 1], (4000, 1))
    patches_PD = patches_PD + rng.normal(0, 1e-4, (4000, 16))
    filters_FD = initialization._filters(
        torch.tensor(patches_PD), 64, torch.Generator().manual_seed(0)
    )
    torch.testing.assert_close(filters_FD.norm(dim=1), torch.ones(64, dtype=torch.float64))
    match = np.abs(filters_FD.numpy() @ patterns_FD.T).max(0)
    assert match.min() > 0.9
    random = F.normalize(torch.tensor(rng.normal(size=(64, 16)))).numpy()
    assert np.abs(random @ patterns_FD.T).max(0).min() < 0.9


def test_transposed_convolutions_have_random_directions() -> None:
    layer = nn.ConvTranspose2d(5, 4, 4, 2, 1)
    x = photos(count=10).view(2, 5, 32, 32)
    kmeans_initialize(layer, x, seed=1)
    with torch.no_grad():
        response_FP = layer(x).movedim(1, 0).flatten(1)
    torch.testing.assert_close(response_FP.mean(1), torch.full((4,), 0.1), rtol=0, atol=1e-3)
    torch.testing.assert_close(response_FP.std(1), torch.ones(4), rtol=1e-3, atol=0)
    cosine_FF = torch.corrcoef(layer.weight.detach().movedim(1, 0).flatten(1)) - torch.eye(4)
    assert cosine_FF.abs().max() < 0.5


def test_more_filters_than_patches() -> None:
    network = nn.Sequential(nn.Conv2d(1, 40, 3), nn.ReLU(), nn.Conv2d(40, 50, 3))
    input_N1HW = photos(count=2, size=8)[..., :6, :6]
    kmeans_initialize(network, input_N1HW, seed=1)
    assert all(p.isfinite().all() for p in network.parameters())
    for _, mean_F, std_F in responses(network, input_N1HW):
        torch.testing.assert_close(std_F, torch.ones_like(std_F), rtol=1e-3, atol=0)
        torch.testing.assert_close(mean_F, torch.full_like(mean_F, 0.1), rtol=0, atol=1e-3)
