"""The predictions of a film's frames, averaged with those before within a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from huescape.coloring.painting import unit
from huescape.coloring.prediction import Prediction
from huescape.film.averages import Carried, Window
from huescape.film.cuts import is_cut
from huescape.film.flow import FlowEstimator
from huescape.film.settings import Smoothing
from huescape.systems.prediction import LEAST


class Smoother:
    """Takes a film's predictions frame by frame; what is averaged are distributions, not colors.

    The mean of two vivid colors is a dull one; of a mean distribution a color is chosen as of any
    other. Of a regression it is chroma that is averaged: there is nothing else.

    Attributes:
        cuts: how many scenes have begun after the first.
    """

    def __init__(self, settings: Smoothing) -> None:
        self.cuts = 0
        self._window = Window(settings.frames, settings.decay)
        self._carried = Carried(settings.decay)
        self._flow = FlowEstimator() if settings.flow else None
        self._before_hw: npt.NDArray[np.floating] | None = None

    def __call__(self, prediction: Prediction) -> Prediction:
        """The prediction of the next frame, averaged with what is left of the frames before."""
        system, output_1Cmn = prediction.system, prediction.output_1Cmn
        now_hw = unit(prediction.lightness_hw, system.space)
        if self._before_hw is not None and is_cut(self._before_hw, now_hw):
            self.cuts += 1
            self._begin()
        is_regression = system.head == "chroma"
        values_1Cmn = output_1Cmn if is_regression else output_1Cmn.softmax(dim=1)
        mean_Cmn = self._mean(values_1Cmn[0], now_hw, system.network.stride)
        self._before_hw = now_hw
        if not is_regression:
            mean_Cmn = mean_Cmn.clamp_min(LEAST).log()
        return replace(prediction, output_1Cmn=mean_Cmn[None])

    def _mean(self, values_Cmn: Tensor, now_hw: npt.NDArray[np.floating], stride: int) -> Tensor:
        if self._flow is None:
            return self._window.add(values_Cmn)
        if self._before_hw is None:
            return self._carried.add(values_Cmn, None)
        return self._carried.add(values_Cmn, self._flow.motion(self._before_hw, now_hw, stride))

    def _begin(self) -> None:
        self._before_hw = None
        self._window.reset()
        self._carried.reset()
