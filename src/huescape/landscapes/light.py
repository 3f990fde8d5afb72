"""The hour of the day: colors of sun, sky and haze, and the last step from light to sRGB.

Colors are linear-light RGB, 1.0 about a sunlit white page. Legend: H, W picture; 3 = RGB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def rgb(red: float, green: float, blue: float) -> Array:
    """A linear-light color as a (3, 1, 1) float32 array, so that it multiplies a plane."""
    color = np.array([red, green, blue], dtype=np.float32)
    return color.reshape(3, 1, 1)


@dataclass(frozen=True)
class Light:
    """One hour's light. Angles in radians; azimuth 0 is straight ahead, pi behind the camera."""

    hour: str
    sun_3: Array
    ambient_3: Array
    zenith_3: Array
    horizon_3: Array
    glow_3: Array
    elevation: float
    azimuth: float
    haze: float

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector toward the sun: right, up, forward."""
        flat = float(np.cos(self.elevation))
        return (
            flat * float(np.sin(self.azimuth)),
            float(np.sin(self.elevation)),
            flat * float(np.cos(self.azimuth)),
        )


_HOURS: dict[str, Light] = {
    "noon": Light(
        "noon",
        rgb(1.22, 1.16, 1.04),
        rgb(0.24, 0.31, 0.42),
        rgb(0.065, 0.19, 0.52),
        rgb(0.50, 0.66, 0.84),
        rgb(0.25, 0.24, 0.20),
        0.9,
        2.0,
        0.9,
    ),
    "golden": Light(
        "golden",
        rgb(1.40, 0.88, 0.42),
        rgb(0.20, 0.21, 0.27),
        rgb(0.11, 0.21, 0.42),
        rgb(0.82, 0.64, 0.43),
        rgb(0.75, 0.45, 0.16),
        0.22,
        1.2,
        1.3,
    ),
    "dusk": Light(
        "dusk",
        rgb(0.42, 0.17, 0.08),
        rgb(0.075, 0.075, 0.11),
        rgb(0.055, 0.075, 0.17),
        rgb(0.72, 0.33, 0.15),
        rgb(0.75, 0.26, 0.06),
        0.05,
        0.2,
        1.4,
    ),
    "dawn": Light(
        "dawn",
        rgb(0.80, 0.54, 0.42),
        rgb(0.19, 0.19, 0.26),
        rgb(0.17, 0.23, 0.40),
        rgb(0.80, 0.58, 0.52),
        rgb(0.50, 0.26, 0.16),
        0.14,
        0.7,
        2.2,
    ),
    "overcast": Light(
        "overcast",
        rgb(0.21, 0.20, 0.18),
        rgb(0.50, 0.55, 0.61),
        rgb(0.37, 0.44, 0.53),
        rgb(0.60, 0.65, 0.71),
        rgb(0.05, 0.05, 0.05),
        0.9,
        2.0,
        2.0,
    ),
}
HOURS: tuple[str, ...] = tuple(_HOURS)
_SHARES = (0.58, 0.17, 0.07, 0.07, 0.11)


def choose_light(rng: np.random.Generator, hour: str | None = None) -> Light:
    """An hour's light with its sun moved and its colors varied a little.

    `hour` is one of HOURS, or None to draw one (noon is the most frequent).
    """
    drawn = HOURS[int(rng.choice(len(HOURS), p=_SHARES))]
    base = _HOURS[hour or drawn]
    tint = 1 + 0.06 * (rng.random((3, 1, 1)) - 0.5)
    strength = 0.88 + 0.24 * rng.random()
    side = 1.0 if rng.random() < 0.5 else -1.0
    return replace(
        base,
        sun_3=(base.sun_3 * strength * tint).astype(np.float32),
        zenith_3=(base.zenith_3 * (0.8 + 0.45 * rng.random())).astype(np.float32),
        horizon_3=(base.horizon_3 * (0.9 + 0.2 * rng.random())).astype(np.float32),
        elevation=base.elevation * (0.7 + 0.6 * rng.random()),
        azimuth=side * base.azimuth * (0.6 + 0.7 * rng.random()),
        haze=base.haze * (0.5 + rng.random()),
    )


def _tone_table(size: int = 4096) -> NDArray[np.float32]:
    """Light in [0, 4) to sRGB code values: an exponential shoulder, then the sRGB curve."""
    light = np.arange(size, dtype=np.float64) * (4.0 / size)
    soft = 1 - np.exp(-1.25 * light)
    soft = soft / (1 - np.exp(-1.25 * 4.0))
    encoded = np.where(soft <= 0.0031308, 12.92 * soft, 1.055 * soft ** (1 / 2.4) - 0.055)
    return cast(Array, (encoded * 255).astype(np.float32))


_TONE = _tone_table()
_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


def develop(
    light_3HW: Array, rng: np.random.Generator, saturation: float = 1.28
) -> NDArray[np.uint8]:
    """Linear light (3, H, W) to an sRGB photograph (H, W, 3) uint8, as a camera does it.

    A partial automatic exposure, saturation about the luminance, a vignette, the tone curve,
    and grain that is the same in R, G and B.
    The default saturation brings the mean chroma near that of real landscape photos.
    """
    height, width = light_3HW.shape[1:]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    vignette = 1 - np.float32(0.10) * (x * x + y * y)
    scale = np.float32(_TONE.size / 4.0)
    luminance = _LUMA[0] * light_3HW[0] + _LUMA[1] * light_3HW[1] + _LUMA[2] * light_3HW[2]
    gain = np.float32(np.clip((0.24 / float(luminance.mean(dtype=np.float64))) ** 0.45, 0.85, 1.9))
    vivid = luminance + (light_3HW - luminance) * np.float32(saturation)
    index = np.clip(vivid * (vignette * (gain * scale)), 0, _TONE.size - 1)
    code = _TONE.take(index.astype(np.intp))
    grain = (rng.random((height, width), dtype=np.float32) - np.float32(0.5)) * np.float32(5.0)
    photo = np.clip(np.rint(code + grain), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(photo.transpose(1, 2, 0))


def mix(a: Array, b: Array, weight: Array) -> Array:
    """a where weight is 0, b where it is 1; a (3, ...) color is mixed by a (...) weight."""
    return cast(Array, a + (b - a) * weight)
