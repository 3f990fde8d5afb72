"""Structural similarity."""

from __future__ import annotations

from huescape.metrics.photo import FloatArray, Truth
from huescape.metrics.pictures import Picture
from huescape.metrics.score import Score


class Ssim(Score):
    """See `metrics.pictures`; the mean over the photos that are large enough."""

    label, place = "SSIM", 7
    headline = True
    sentence = (
        "How alike the local structure of the two pictures is; every row keeps the true "
        "lightness, so gray is close to 1, and speckled or misplaced colors lower it."
    )

    def measure(self, true: Truth, ab_HW2: FloatArray, rgb_HW3: Picture) -> float:
        """NaN for a photo narrower than the window."""
        return true.ssim.score(rgb_HW3)
