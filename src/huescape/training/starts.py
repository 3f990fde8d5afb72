"""Where training starts, if not from the network's own random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from huescape.base.digests import file_sha256
from huescape.base.errors import HuescapeError
from huescape.params.systems import InitializationParams
from huescape.systems.system import System, read_description, read_weights
from huescape.systems.transfer import other_head, take_over
from huescape.training.initialization import kmeans_initialize


def start(system: System, models: Path, photos_N1HW: Tensor | None) -> None:
    """Set the weights of `system.network` as `system.params.initialization` says.

    `models` holds the trained systems, `photos_N1HW` normalized lightness for k-means. Raises
    HuescapeError for weights that are missing, damaged, or do not fit.
    """
    params, network = system.params.initialization, system.network
    if params.start is not None:
        folder = models / params.start
        description = read_description(folder)
        weights = read_weights(folder, description)
        take_over(network, weights, folder, other_head(system, description))
    elif params.file is not None:
        centers_Q2 = torch.as_tensor(system.centers, dtype=torch.float32)
        network.load_released(Path(params.file), centers_Q2)
    elif photos_N1HW is not None:
        unit = system.space.chroma_scale if system.head == "chroma" else 1.0
        kmeans_initialize(network, photos_N1HW, system.params.seed, unit)


def starting_digest(params: InitializationParams, models: Path) -> str:
    """What tells the weights that a training starts from, beside its parameters; may be empty.

    Raises HuescapeError for a system that is not trained, and a file that cannot be read.
    """
    if params.start is not None:
        folder = models / params.start
        if not folder.is_dir():
            raise HuescapeError(
                f"{folder}: initialization.from names a system that is not trained yet; "
                f"`dvc repro train@{params.start}` trains it"
            )
        return str(read_description(folder).get("weights_sha256"))
    if params.file is not None:
        try:
            return file_sha256(Path(params.file))
        except OSError as error:
            raise HuescapeError(
                f"{params.file}: cannot be read: {error.strerror or error}"
            ) from error
    return ""
