"""sRGB to Lab and YUV, and back.

Arrays hold channels last, shape (..., 3). rgb is uint8 in 0..255 or float in [0, 1]; uint8 and
float32 are computed in float32, float64 in float64. Conversion from uint8 uses only correctly
rounded operations (see `portable`), so that any machine writes the same bytes; its one power, in
the table of 256 levels, is taken in float64 and comes nowhere near a rounding border of float32.
What has 8 bits on either side is compiled (`space_kernels`); floats, which are rare, are not.

Shape suffixes: N flattened pixels, 3 channels; `_3N` is the planar copy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.color import space_kernels as kernels
from huescape.color.portable import cube_root
from huescape.color.srgb import gamma_encode, level_borders, linear_light

FloatArray = npt.NDArray[np.floating[Any]]
AnyArray = npt.NDArray[Any]

# Linear sRGB to XYZ and the D65 white of the 2-degree observer, with the digits of IEC 61966-2-1
# that scikit-image uses too. The rows do not sum to the white exactly, so grays have |a|, |b| of
# up to 0.008: that is part of the contract with the reference.
XYZ_FROM_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_WHITE_31 = _WHITE[:, None]
#: XYZ relative to the white, whose cube roots Lab is made of, to linear sRGB.
RGB_FROM_LAB = np.linalg.inv(XYZ_FROM_RGB) * _WHITE
_LINEAR_BELOW, _SLOPE, _OFFSET = kernels.LINEAR_BELOW, kernels.SLOPE, kernels.OFFSET

# BT.601 luma weights; chroma scaled so that |U| <= 0.436 and |V| <= 0.615 on the RGB cube.
_LUMA = np.array([0.299, 0.587, 0.114])
_U_MAX, _V_MAX = 0.436, 0.615
YUV_FROM_RGB = np.stack(
    [
        _LUMA,
        (np.array([0.0, 0.0, 1.0]) - _LUMA) * (_U_MAX / (1 - _LUMA[2])),
        (np.array([1.0, 0.0, 0.0]) - _LUMA) * (_V_MAX / (1 - _LUMA[0])),
    ]
)
RGB_FROM_YUV = np.linalg.inv(YUV_FROM_RGB)

Picture = npt.NDArray[np.uint8]


def rgb_to_lab(rgb: AnyArray) -> FloatArray:
    """CIE 1976 L*a*b* (D65, 2-degree observer) of sRGB colors.

    Args:
        rgb: (..., 3), uint8 in 0..255, or float32 or float64 in [0, 1].
    Returns:
        (..., 3): L in [0, 100], a in [-86.2, 98.3], b in [-107.9, 94.5]; float64 for float64
        input, else float32. Within 1e-3 of `skimage.color.rgb2lab` in float64 for every 8-bit
        color.
    Raises:
        HuescapeError: another shape or dtype, or floats outside [0, 1].
    """
    rgb = _check_rgb(rgb)
    if rgb.dtype == np.uint8:
        return _from_levels(rgb, kernels.lab_of_levels, linear_light, XYZ_FROM_RGB / _WHITE_31)
    return np.stack(_lab_planes(linear_light(_planes(rgb))), axis=-1).reshape(rgb.shape)


def rgb_to_yuv(rgb: AnyArray) -> FloatArray:
    """Full-range BT.601 analogue YUV of (gamma-encoded) sRGB colors.

    Args:
        rgb: (..., 3), uint8 in 0..255, or float32 or float64 in [0, 1].
    Returns:
        (..., 3): Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615]; float64 for float64
        input, else float32.
    Raises:
        HuescapeError: another shape or dtype, or floats outside [0, 1].
    """
    rgb = _check_rgb(rgb)
    if rgb.dtype == np.uint8:
        return _from_levels(rgb, kernels.yuv_of_levels, np.asarray, YUV_FROM_RGB)
    yuv_3N = _matrix_times_planes(YUV_FROM_RGB.astype(rgb.dtype), _planes(rgb))
    return np.stack(tuple(yuv_3N), axis=-1).reshape(rgb.shape)


def lab_to_rgb(lab: AnyArray) -> FloatArray:
    """sRGB of L*a*b* colors, float in [0, 1], shape (..., 3).

    Colors outside the sRGB gamut are clipped channel by channel to [0, 1] after the gamma curve
    (the common rule, also scikit-image's): lightness and hue of such a color change a little. A
    Z whose cube-root coordinate would be negative has that coordinate set to zero first. A color
    with a NaN becomes black.
    """
    lab = _check_floats(lab)
    lightness_N, ab_2N = _flat_colors(lab[..., 0], lab[..., 1:])
    linear_3N = np.empty(3 * len(lightness_N))
    kernels.linear_of_lab(lightness_N, ab_2N, _RGB_FROM_LAB_ROWS, linear_3N)
    return gamma_encode(linear_3N.astype(lab.dtype)).reshape(lab.shape)


def lab_to_picture(lightness: FloatArray, ab: FloatArray) -> Picture:
    """`lab_to_rgb` as levels 0..255, (..., 3) uint8, of L* (...,) and a*b* (..., 2).

    Both float32 or float64; computed in float64 and rounded to nearest. A color with a NaN becomes
    black.

    Raises:
        HuescapeError: the shapes do not fit, or another dtype.
    """
    lowest_C, border_K = level_borders(kernels.LEVEL_CELLS)
    lightness_N, ab_2N = _flat_colors(lightness, ab)
    rgb = np.empty((*lightness.shape, 3), np.uint8)
    rows, level_3N = _RGB_FROM_LAB_ROWS, rgb.reshape(-1)
    kernels.levels_of_lab(lightness_N, ab_2N, rows, lowest_C, border_K, level_3N)
    return rgb


def yuv_to_rgb(yuv: AnyArray) -> FloatArray:
    """sRGB of YUV colors, float in [0, 1], shape (..., 3).

    Colors outside the RGB cube are clipped channel by channel to [0, 1].
    """
    yuv = _check_floats(yuv)
    back = RGB_FROM_YUV.astype(yuv.dtype)
    rgb = _matrix_times_planes(back, np.moveaxis(yuv, -1, 0))
    return np.moveaxis(np.clip(rgb, 0, 1), 0, -1)


def yuv_to_picture(luma: FloatArray, uv: FloatArray) -> Picture:
    """`yuv_to_rgb` as levels, as `lab_to_picture` has them, of Y (...,) and UV (..., 2)."""
    luma_N, uv_2N = _flat_colors(luma, uv)
    rgb = np.empty((*luma.shape, 3), np.uint8)
    kernels.levels_of_yuv(luma_N, uv_2N, _rows(RGB_FROM_YUV), rgb.reshape(-1))
    return rgb


@dataclass(frozen=True)
class Space:
    """A space of one lightness and two chroma channels, with what a colorizer needs of it.

    Attributes:
        name: the key in `SPACES`.
        lightness_range: lowest and highest lightness of sRGB.
        chroma_bounds: ((low, high), (low, high)): a box that holds the chroma of every sRGB color.
        input_offset, input_scale: a network's input is (lightness - offset) / scale.
        chroma_scale: what a regression network's output of 1 stands for.
        from_rgb: (..., 3) rgb to (..., 3) lightness and chroma.
        to_rgb: the inverse, to floats in [0, 1], clipped.
        to_picture: the same to levels 0..255, of lightness (...,) and chroma (..., 2).
    """

    name: str
    lightness_range: tuple[float, float]
    chroma_bounds: tuple[tuple[float, float], tuple[float, float]]
    input_offset: float
    input_scale: float
    chroma_scale: float
    from_rgb: Callable[[AnyArray], FloatArray]
    to_rgb: Callable[[AnyArray], FloatArray]
    to_picture: Callable[[FloatArray, FloatArray], Picture]

    def gray_levels(self) -> npt.NDArray[np.float32]:
        """The lightness of each stored level 0..255, (256,) float32, for table lookups."""
        low, high = self.lightness_range
        return (np.arange(256) * ((high - low) / 255) + low).astype(np.float32)

    def lightness_to_uint8(self, lightness: AnyArray) -> npt.NDArray[np.uint8]:
        """Lightness to levels 0..255, rounded to nearest, clipped: L * 2.55, or Y * 255."""
        low, high = self.lightness_range
        values = np.asarray(lightness, np.float32)
        levels = (values - np.float32(low)) * np.float32(255 / (high - low))
        np.rint(levels, out=levels)
        return np.clip(levels, 0, 255, out=levels).astype(np.uint8)

    def uint8_to_lightness(self, levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Stored levels 0..255 back to lightness, float32."""
        return self.gray_levels()[levels]

    def network_input(self, lightness: FloatArray) -> FloatArray:
        """Lightness as a network sees it: (L - 50) / 100 (Zhang et al. 2016), or Y - 0.5."""
        kind = lightness.dtype.type
        return (lightness - kind(self.input_offset)) / kind(self.input_scale)


SPACES: dict[str, Space] = {
    "lab": Space(
        name="lab",
        lightness_range=(0.0, 100.0),
        chroma_bounds=((-87.0, 99.0), (-108.0, 95.0)),
        input_offset=50.0,
        input_scale=100.0,
        chroma_scale=110.0,
        from_rgb=rgb_to_lab,
        to_rgb=lab_to_rgb,
        to_picture=lab_to_picture,
    ),
    "yuv": Space(
        name="yuv",
        lightness_range=(0.0, 1.0),
        chroma_bounds=((-_U_MAX, _U_MAX), (-_V_MAX, _V_MAX)),
        input_offset=0.5,
        input_scale=1.0,
        chroma_scale=_V_MAX,
        from_rgb=rgb_to_yuv,
        to_rgb=yuv_to_rgb,
        to_picture=yuv_to_picture,
    ),
}


def space(name: str) -> Space:
    """The space called `name`; HuescapeError names the allowed ones."""
    if name not in SPACES:
        allowed = ", ".join(sorted(SPACES))
        raise HuescapeError(f"unknown color space {name!r}: allowed are {allowed}")
    return SPACES[name]


def _from_levels(
    rgb: Picture,
    convert: Callable[..., None],
    decode: Callable[[FloatArray], FloatArray],
    matrix_33: FloatArray,
) -> FloatArray:
    """Apply a compiled conversion to decoded levels; (..., 3) float32."""
    table_256 = decode(np.arange(256) / 255).astype(np.float32)
    out = np.empty(rgb.shape, np.float32)
    convert(_flat(rgb), table_256, *_rows(matrix_33.astype(np.float32)), out.reshape(-1))
    return out


def _planes(rgb: FloatArray) -> FloatArray:
    return np.ascontiguousarray(rgb.reshape(-1, 3).T)


def _lab_planes(linear_3N: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """L, a and b planes of linear-light planes."""
    kind = linear_3N.dtype.type
    t_3N = _matrix_times_planes((XYZ_FROM_RGB / _WHITE_31).astype(kind), linear_3N)
    root_3N = cube_root(np.maximum(t_3N, kind(_LINEAR_BELOW)))
    # The lower of the two branches is the right one once the straight branch, which the root is
    # held above below the threshold, is lifted out of the way above it: no masked write, which
    # would cost more than the root itself.
    above_3N = t_3N > kind(_LINEAR_BELOW)
    t_3N *= kind(_SLOPE)
    t_3N += kind(_OFFSET)
    t_3N += above_3N
    fx, fy, fz = np.minimum(root_3N, t_3N, out=root_3N)
    return fy * kind(116) - kind(16), (fx - fy) * kind(500), (fy - fz) * kind(200)


def _matrix_times_planes(matrix_33: FloatArray, planes: FloatArray) -> FloatArray:
    """Row by row as written, not with BLAS, whose fused operations differ between processors."""
    first, second, third = planes
    return np.stack([first * r0 + second * r1 + third * r2 for r0, r1, r2 in matrix_33])


def _rows(matrix_33: FloatArray) -> tuple[Any, Any, Any]:
    """A matrix as the compiled code takes it: scalars of its dtype."""
    first, second, third = (tuple(row) for row in matrix_33)
    return first, second, third


_RGB_FROM_LAB_ROWS = _rows(RGB_FROM_LAB)


def _flat(values: AnyArray) -> AnyArray:
    """Values in one line as the compiled code takes them: copied if strided or read-only."""
    return np.require(values, requirements=["C", "A", "W"]).reshape(-1)


def _flat_colors(lightness: FloatArray, chroma: FloatArray) -> tuple[FloatArray, FloatArray]:
    if chroma.shape != (*lightness.shape, 2):
        raise HuescapeError(
            f"chroma has shape {chroma.shape}: allowed is {(*lightness.shape, 2)}, the lightness"
        )
    for values in (lightness, chroma):
        if values.dtype not in (np.float32, np.float64):
            raise HuescapeError(f"colors have dtype {values.dtype}: allowed are float32, float64")
    return _flat(lightness), _flat(chroma)


def _check_rgb(rgb: AnyArray) -> AnyArray:
    rgb = np.asarray(rgb)
    if rgb.ndim < 1 or rgb.shape[-1] != 3:
        raise HuescapeError(f"rgb has shape {rgb.shape}: allowed is (..., 3)")
    if rgb.dtype == np.uint8:
        return rgb
    _check_floats(rgb)
    # Floats of 0..255 passed for [0, 1] made the wrong prior that circulates in public copies.
    if rgb.size and not (rgb.min() >= -1e-6 and rgb.max() <= 1 + 1e-6):
        low, high = float(rgb.min()), float(rgb.max())
        raise HuescapeError(f"float rgb spans {low:g} to {high:g}: allowed is 0 to 1")
    return rgb


def _check_floats(values: AnyArray) -> FloatArray:
    values = np.asarray(values)
    if values.ndim < 1 or values.shape[-1] != 3:
        raise HuescapeError(f"colors have shape {values.shape}: allowed is (..., 3)")
    if values.dtype not in (np.float32, np.float64):
        raise HuescapeError(f"colors have dtype {values.dtype}: allowed are float32 and float64")
    return values
