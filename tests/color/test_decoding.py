"""Decoding against NumPy in float64, and its limits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb

from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.color.decoding import Method, decode, join, upsample_chroma
from huescape.color.median import geometric_median
from huescape.color.spaces import SPACES, rgb_to_lab, space

# No deadline: a busy machine is not a wrong result.
LAW = settings(max_examples=40, deadline=None)
CENTERS = torch.from_numpy(gamut_centers())


def annealed_mean(logits: torch.Tensor, centers: torch.Tensor, temperature: float) -> torch.Tensor:
    return decode(logits, centers, "annealed", temperature)


def _logits(seed: int = 0, bins: int = 313) -> torch.Tensor:
    return torch.randn(2, bins, 3, 4, generator=torch.Generator().manual_seed(seed)) * 4


def _reference(logits: torch.Tensor, centers: torch.Tensor, temperature: float) -> np.ndarray:
    """f_T(z) = exp(log z / T) / sum exp(log z_i / T) from the probabilities, pixel by pixel."""
    z = np.moveaxis(logits.double().numpy(), 1, -1)
    z = np.exp(z - z.max(-1, keepdims=True))
    z /= z.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        log = np.log(z)
    f = np.exp(log / temperature - (log / temperature).max(-1, keepdims=True))
    f /= f.sum(-1, keepdims=True)
    return np.moveaxis(f @ centers.double().numpy(), -1, 1)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 0.38, 1.0, 3.0])
def test_annealed_mean_against_the_formula(temperature: float) -> None:
    chroma = annealed_mean(_logits(), CENTERS, temperature)
    assert chroma.dtype == torch.float32
    assert chroma.shape == (2, 2, 3, 4)
    assert np.abs(chroma.numpy() - _reference(_logits(), CENTERS, temperature)).max() < 2e-4
    double = annealed_mean(_logits().double(), CENTERS, temperature)
    assert np.abs(double.numpy() - _reference(_logits(), CENTERS, temperature)).max() < 1e-10


@pytest.mark.parametrize("temperature", [1e-3, 1e-20, 1e-45, 1e-300, 5e-324])
def test_low_temperature_is_the_mode(temperature: float) -> None:
    chroma = annealed_mean(_logits(), CENTERS, temperature)
    mode = CENTERS[_logits().argmax(1)].permute(0, 3, 1, 2)
    assert torch.allclose(chroma.double(), mode, atol=1e-3)


@LAW
@given(st.integers(0, 10_000), st.floats(-1e4, 1e4))
def test_a_constant_on_all_logits_changes_nothing(seed: int, shift: float) -> None:
    logits = _logits(seed, 9).double()
    one = annealed_mean(logits, CENTERS[:9], 0.38)
    assert torch.allclose(annealed_mean(logits + shift, CENTERS[:9], 0.38), one, atol=1e-6)


@LAW
@given(st.integers(0, 10_000), st.floats(1e-6, 100))
def test_annealed_mean_stays_among_the_centers(seed: int, temperature: float) -> None:
    chroma = annealed_mean(_logits(seed, 30), CENTERS[:30], temperature)
    low, high = CENTERS[:30].amin(0), CENTERS[:30].amax(0)
    assert (chroma.amin((0, 2, 3)) >= low - 1e-3).all()
    assert (chroma.amax((0, 2, 3)) <= high + 1e-3).all()


def test_probability_zero_makes_no_nan() -> None:
    logits = _logits()
    logits[:, ::2] = -torch.inf
    for temperature in (1e-40, 0.38, 1.0):
        chroma = annealed_mean(logits, CENTERS, temperature)
        assert torch.isfinite(chroma).all()
        truth = annealed_mean(logits[:, 1::2], CENTERS[1::2], temperature)
        assert torch.allclose(chroma, truth, atol=1e-4)


def test_equal_modes() -> None:
    logits = torch.zeros(1, 3, 1, 1)
    logits[:, 2] = -5
    centers = torch.tensor([[10.0, 0], [20, 4], [50, 50]])
    assert annealed_mean(logits, centers, 1e-40).flatten().tolist() == [15, 2]


def test_half_precision_and_autocast_do_not_spoil_colors() -> None:
    logits = _logits()
    truth = annealed_mean(logits, CENTERS, 0.38)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(annealed_mean(logits, CENTERS, 0.38), truth)
    rounded = logits.bfloat16()
    expected = annealed_mean(rounded.float(), CENTERS, 0.38)
    assert torch.equal(annealed_mean(rounded, CENTERS, 0.38), expected)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_temperature_is_checked(temperature: float) -> None:
    with pytest.raises(HuescapeError, match="allowed is a positive number"):
        annealed_mean(_logits(), CENTERS, temperature)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_pixels_without_a_distribution_are_refused(value: float) -> None:
    logits = _logits()
    logits[1, :, 2, 3] = value
    with pytest.raises(HuescapeError, match="logits hold"):
        annealed_mean(logits, CENTERS, 0.38)


def test_shapes_are_checked() -> None:
    with pytest.raises(HuescapeError, match="shape"):
        annealed_mean(_logits(), CENTERS[:-1], 1.0)
    with pytest.raises(HuescapeError, match="shape"):
        annealed_mean(_logits()[0], CENTERS, 1.0)


def test_upsampling_keeps_constants_and_means() -> None:
    flat = torch.full((1, 2, 4, 4), 7.0)
    up = upsample_chroma(flat, (13, 9))
    assert torch.allclose(up, torch.full((1, 2, 13, 9), 7.0), atol=1e-5)
    ramp = torch.arange(8.0).repeat(1, 2, 8, 1)
    up = upsample_chroma(ramp, (32, 32))
    # Pixel centers aligned: output x sits at (x + 0.5) / 4 - 0.5 of the input, held at the ends.
    expected = ((torch.arange(32) + 0.5) / 4 - 0.5).clamp(0, 7)
    assert torch.allclose(up[0, 0, 5], expected, atol=1e-5)
    assert torch.equal(upsample_chroma(ramp, (8, 8)), ramp)
    part = upsample_chroma(ramp, (32, 32), part=slice(9, 14))
    assert torch.equal(part, up[..., 9:14, :])


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_a_ramp_sampled_at_the_targets_comes_back(stride: int) -> None:
    size = (6 * stride, 9 * stride)
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in size)
    picture = torch.stack([rows[:, None] * 3 + columns, 50 - rows[:, None] + 2 * columns])[None]
    first = stride // 2
    sampled = picture[..., first::stride, first::stride]
    up = upsample_chroma(sampled, size, stride)
    assert up.shape == picture.shape
    last = (size[0] - stride + first, size[1] - stride + first)
    between = slice(first, last[0] + 1), slice(first, last[1] + 1)
    assert torch.allclose(up[..., *between], picture[..., *between], rtol=0, atol=1e-9)
    # Beyond the outermost points, their color.
    clamped_rows, clamped_columns = rows.clamp(first, last[0]), columns.clamp(first, last[1])
    held = picture[..., clamped_rows.long(), :][..., clamped_columns.long()]
    assert torch.allclose(up, held, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [(13, 9), (7, 31), (5, 4), (3, 2), (1, 1), (10, 14)])
def test_without_a_stride_it_is_the_usual_interpolation(size: tuple[int, int]) -> None:
    chroma = torch.randn(2, 2, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    usual = F.interpolate(chroma, size=size, mode="bilinear", align_corners=False)
    assert torch.allclose(upsample_chroma(chroma, size), usual, rtol=0, atol=1e-12)


@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_the_picture_may_end_within_the_last_block(stride: int, cut: int) -> None:
    """Targets lie where they lie, however little of the last block the picture has."""
    source = (5 * stride - min(cut, stride - 1), 6 * stride - min(cut, stride - 1))
    rows, columns = torch.arange(5.0) * stride, torch.arange(6.0) * stride
    sampled = torch.stack([rows[:, None].expand(5, 6), columns.expand(5, 6)])[None] + stride // 2
    up = upsample_chroma(sampled, source, stride, source)[0]
    for axis, count, points in ((0, source[0], 5), (1, source[1], 6)):
        place = torch.arange(float(count)).clamp(stride // 2, (points - 1) * stride + stride // 2)
        line = up[0, :, 0] if axis == 0 else up[1, 0, :]
        assert torch.allclose(line, place, atol=1e-4)


def test_the_picture_may_be_shown_in_another_size() -> None:
    """Twice as large: pixel centers aligned with those of the source, as everywhere."""
    stride, source, size = 4, (16, 22), (32, 44)
    sampled = (torch.arange(6.0) * stride + 2).expand(1, 2, 4, 6)
    up = upsample_chroma(sampled, size, stride, source)
    expected = ((torch.arange(44) + 0.5) / 2 - 0.5).clamp(2, 22)
    assert torch.allclose(up[0, 1, 7], expected, atol=1e-4)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_join_gives_the_picture_back(name: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    colors = space(name).from_rgb(rgb)
    joined = join(colors[..., 0], colors[..., 1:], space(name))
    assert joined.dtype == np.uint8
    assert np.array_equal(joined, rgb)


def test_join_clips_like_the_reference() -> None:
    lightness = np.linspace(0, 100, 60).reshape(6, 10)
    ab = np.full((6, 10, 2), [70.0, -20.0])
    truth = lab2rgb(np.concatenate([lightness[..., None], ab], axis=-1))
    assert np.array_equal(join(lightness, ab, space("lab")), np.rint(truth * 255))


def test_gray_joined_with_no_chroma_is_gray() -> None:
    gray = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    lightness = rgb_to_lab(gray)[..., 0]
    assert np.array_equal(join(lightness, np.zeros((16, 16, 2), np.float32), space("lab")), gray)


def test_join_checks_sizes_and_dtypes() -> None:
    with pytest.raises(HuescapeError, match="allowed is"):
        join(np.zeros((4, 5)), np.zeros((5, 4, 2)), space("lab"))
    with pytest.raises(HuescapeError, match="int64: allowed are float32, float64"):
        join(np.zeros((4, 5), int), np.zeros((4, 5, 2)), space("lab"))


METHODS: tuple[Method, ...] = ("annealed", "median", "mode")
PRIOR = torch.linspace(1, 5, 313, dtype=torch.float64) ** 12


def _tilted(logits: torch.Tensor, temperature: float, tau: float) -> np.ndarray:
    """q = p^(1 / T) prior^-tau, normalized, from the probabilities; (N, H, W, Q)."""
    z = np.moveaxis(logits.double().numpy(), 1, -1)
    p = np.exp(z - z.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    prior = np.maximum(PRIOR.numpy() / PRIOR.numpy().sum(), 1e-4)
    q = p ** (1 / temperature) * prior**-tau
    return np.asarray(q / q.sum(-1, keepdims=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("tau", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("temperature", [0.2, 0.38, 1.0])
def test_every_method_against_the_formula(
    temperature: float, tau: float, dtype: torch.dtype
) -> None:
    logits, centers = _logits().to(dtype), CENTERS.numpy()
    q = _tilted(logits, temperature, tau)
    exact = 1e-8 if dtype == torch.float64 else 5e-3
    found = {
        method: np.moveaxis(
            decode(logits, CENTERS, method, temperature, tau, PRIOR).double().numpy(), 1, -1
        )
        for method in METHODS
    }
    assert np.abs(found["annealed"] - q @ centers).max() < exact
    assert np.abs(found["mode"] - centers[q.argmax(-1)]).max() < 1e-5
    tensor = torch.from_numpy(np.moveaxis(q, -1, 1).reshape(2, 313, 12).copy())
    alone = geometric_median(tensor, CENTERS).reshape(2, 2, 3, 4).permute(0, 2, 3, 1).numpy()
    assert np.abs(found["median"] - alone).max() < max(exact, 1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_no_tau_and_an_even_prior_change_nothing(method: Method) -> None:
    plain = decode(_logits(), CENTERS, method, 0.5)
    assert torch.equal(decode(_logits(), CENTERS, method, 0.5, 0.0, PRIOR), plain)
    even = torch.full((313,), 7.0)
    tilted = decode(_logits(), CENTERS, method, 0.5, 0.7, even)
    assert torch.allclose(tilted, plain, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_only_the_shape_of_the_prior_counts_and_rare_bins_are_alike(method: Method) -> None:
    logits = _logits().double()
    one = decode(logits, CENTERS, method, 1.0, 0.5, PRIOR)
    assert torch.allclose(decode(logits, CENTERS, method, 1.0, 0.5, PRIOR * 3), one)
    rare = torch.where(PRIOR / PRIOR.sum() < 1e-4, 0.0, PRIOR)
    assert (rare == 0).any()
    # Dropping what is below the floor moves the sum of the rest a little, by the same factor.
    assert torch.allclose(decode(logits, CENTERS, method, 1.0, 0.5, rare), one, atol=0.2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_a_certain_bin_is_its_center(method: Method, tau: float) -> None:
    logits = torch.full((1, 313, 1, 313), -torch.inf)
    logits[0, torch.arange(313), 0, torch.arange(313)] = 3.0
    chroma = decode(logits, CENTERS, method, 0.38, tau, PRIOR)
    assert torch.allclose(chroma[0, :, 0].T.double(), CENTERS, atol=1e-4)


@LAW
@given(st.integers(0, 10_000), st.sampled_from(METHODS), st.floats(0, 6.3))
def test_colors_turn_with_the_centers(seed: int, method: Method, angle: float) -> None:
    turn = torch.tensor(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], dtype=torch.float64
    )
    logits = _logits(seed).double()
    turned = decode(logits, CENTERS @ turn, method, 0.6, 0.3, PRIOR)
    expected = torch.einsum("nchw,cd->ndhw", decode(logits, CENTERS, method, 0.6, 0.3, PRIOR), turn)
    assert torch.allclose(turned, expected, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_and_autocast_spoil_no_method(method: Method) -> None:
    logits = _logits()
    truth = decode(logits, CENTERS, method, 0.5, 0.4, PRIOR)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(decode(logits, CENTERS, method, 0.5, 0.4, PRIOR), truth)
    rounded = logits.half()
    expected = decode(rounded.float(), CENTERS, method, 0.5, 0.4, PRIOR)
    assert torch.equal(decode(rounded, CENTERS, method, 0.5, 0.4, PRIOR), expected)


def test_more_tau_gives_rarer_colors() -> None:
    """The mean rank of the chosen bin among the frequent ones falls."""
    chroma = [decode(_logits(), CENTERS, "mode", 1.0, tau, PRIOR) for tau in (0.0, 0.5, 1.0)]
    ranks = [
        torch.cdist(c.permute(0, 2, 3, 1).reshape(-1, 2).double(), CENTERS).argmin(1).double()
        for c in chroma
    ]
    means = [float(rank.mean()) for rank in ranks]
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1]


@pytest.mark.parametrize(
    ("tau", "prior", "words"),
    [
        (-0.1, PRIOR, r"tau is -0\.1: allowed is 0 to 1"),
        (1.1, PRIOR, r"tau is 1\.1: allowed is 0 to 1"),
        (float("nan"), PRIOR, "tau is nan: allowed is 0 to 1"),
        (0.4, None, r"the prior has shape None: allowed with tau 0\.4 is \(313,\)"),
        (0.4, PRIOR[:-1], r"the prior has shape \(312,\)"),
        (0.4, -PRIOR, "one finite number per bin"),
        (0.4, 0 * PRIOR, "the prior has no mass"),
        (0.4, PRIOR / 0, "one finite number per bin"),
    ],
)
def test_tau_and_prior_are_checked(tau: float, prior: torch.Tensor | None, words: str) -> None:
    with pytest.raises(HuescapeError, match=words):
        decode(_logits(), CENTERS, "median", 1.0, tau, prior)
