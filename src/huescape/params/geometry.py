"""What a system sees of its photos must fit into them, and onto the grid of its targets."""

from __future__ import annotations

from huescape.base.errors import ParamsError
from huescape.params.systems import AugmentationParams, Fit, GeometryParams


def shown_side(augmentation: AugmentationParams, geometry: GeometryParams, size: int) -> int:
    """The side in pixels of what a batch shows of photos stored in squares of `size` pixels."""
    return augmentation.crop or geometry.side or size


def unaugmented_side(fit: Fit, side: int | None, shown: int, size: int) -> int:
    """That of what validation shows, where training shows `shown`: all or, inside, as much."""
    return shown if fit == "inside" else side or size


def check_geometry(
    augmentation: AugmentationParams, geometry: GeometryParams, size: int, stride: int
) -> None:
    """Raise ParamsError, the key first, for the first of these values that does not fit.

    `size` is the side of the stored squares, `stride` the step of the targets in pixels.
    """
    crop, fit, side = augmentation.crop, geometry.fit, geometry.side
    if fit == "pad" and side is not None:
        raise ParamsError(f"geometry.side is {side}; allowed with geometry.fit pad: null")
    if fit != "pad" and augmentation.crop_shares:
        raise ParamsError(
            f"augmentation.crop_shares: what is left is padded; allowed with geometry.fit {fit}: []"
        )
    if augmentation.area is not None and fit != "inside":
        raise ParamsError(f"augmentation.area: allowed with geometry.fit {fit}: null")
    if augmentation.area is not None and side is not None:
        raise ParamsError(f"geometry.side is {side}; allowed with augmentation.area: null")
    if augmentation.lightness is not None and fit == "pad":
        raise ParamsError(
            "augmentation.lightness: padding would be no longer black; "
            "allowed with geometry.fit pad: null"
        )
    if fit == "inside" and crop is None:
        raise ParamsError("augmentation.crop is null; allowed with geometry.fit inside: a number")
    if side is not None and side > size:
        raise ParamsError(f"geometry.side is {side}; allowed: at most resize.size = {size}")
    largest, named = (side, "geometry.side") if side is not None else (size, "resize.size")
    if crop is not None and crop > largest:
        raise ParamsError(f"augmentation.crop is {crop}; allowed: at most {named} = {largest}")
    if crop is not None and crop % stride:
        raise ParamsError(f"augmentation.crop is {crop}; allowed: a multiple of {stride}")
    if fit == "stretch" and side is not None and side % stride:
        raise ParamsError(f"geometry.side is {side}; allowed: a multiple of {stride}")
