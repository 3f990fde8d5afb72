"""A system put together: network, color space, bins and normalization; saved and loaded whole.

Shape suffixes: N photos, H rows, W columns, Q bins, 2 chroma channels, C outputs (Q or 2); h, w
are H, W divided by the network's stride.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch import Tensor

from huescape import networks
from huescape.base import atomic, digests
from huescape.base.errors import HuescapeError, ParamsError
from huescape.color.confident import CONFIDENT, diffused
from huescape.color.decoding import decode, upsample_chroma
from huescape.color.spaces import Space, space
from huescape.params.base import Head
from huescape.params.decodings import Decoding
from huescape.params.released import RELEASED
from huescape.params.systems import SystemParams
from huescape.systems.prediction import as_it_is, enlarged

WEIGHTS, DESCRIPTION, HISTORY = "weights.safetensors", "system.json", "history.csv"
#: What a release has, and a training has not.
CARD = "card.md"
VERSION = 3
# What version 1 wrote: a pickle, without a digest.
_OLD_WEIGHTS = "weights.pt"
# What a description that says something else runs into; ValidationError is a ValueError.
_NOT_A_SYSTEM = (KeyError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError)


@dataclass(frozen=True)
class System:
    """What turns lightness into color.

    Attributes:
        network: normalized lightness (N, 1, H, W) to logits (N, Q, h, w), or to chroma (N, 2, h, w)
            in units of the space's `chroma_scale`, as `head` says.
        space: the color space of `centers`.
        centers: (Q, 2) float64, the chroma of each bin.
        prior: (Q,) float64, how frequent each bin is in the targets of the training photos, which
            is what a network that learned from them expects of a photo it cannot read. Not the
            smoothed one: that adds colors that no target had, and a decoding floors it anyway.
        params: what it was built and trained with.
        quantizer: `name`, `space`, `encode` and `bins` (= Q) of its targets.
    """

    network: networks.Network
    space: Space
    centers: npt.NDArray[np.float64]
    prior: npt.NDArray[np.float64]
    params: SystemParams
    quantizer: dict[str, Any]

    @property
    def head(self) -> Head:
        """What the network gives: logits of bins, or chroma."""
        return head_of(self.quantizer)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def normalize(self, lightness_N1HW: Tensor) -> Tensor:
        """Lightness in the space's units (L in [0, 100], Y in [0, 1]) as the network sees it."""
        return (lightness_N1HW - self.space.input_offset) / self.space.input_scale

    def predict(self, input_N1HW: Tensor) -> Tensor:
        """Output (N, C, h, w), float32, for normalized lightness of any height and width.

        The network is switched to evaluation; the input is moved to its device, scaled up where
        `geometry.view` asks for it, padded by reflection to the network's multiple at the bottom
        and right, and the result brought back to h = ceil(H / stride), w = ceil(W / stride).
        """
        self.network.eval()
        input_N1HW = input_N1HW.to(self.device, torch.float32)
        with torch.inference_mode():
            factor = (self.params.geometry.view or 0) / max(input_N1HW.shape[-2:])
            if factor > 1:
                return enlarged(self.network, input_N1HW, factor, self.head)
            return as_it_is(self.network, input_N1HW)

    def decode(
        self,
        output_NChw: Tensor,
        decoding: Decoding,
        size: tuple[int, int],
        source: tuple[int, int] = (0, 0),
        lightness_N1HW: Tensor | None = None,
    ) -> Tensor:
        """Chroma (N, 2, *size) of what `predict` gave for a picture of `source` (rows, columns)."""
        chroma_N2hw = self.chroma(output_NChw, decoding, lightness_N1HW)
        stride = 1 if self.diffuses(decoding) else self.network.stride
        return upsample_chroma(chroma_N2hw, size, stride, source)

    def chroma(
        self, output_NChw: Tensor, decoding: Decoding, lightness_N1HW: Tensor | None = None
    ) -> Tensor:
        """Chroma (N, 2, h, w) of what `predict` gave; a regression has nothing to decode.

        With `diffuse`, (N, 2, H, W), along the lightness that was seen; HuescapeError without it.
        """
        if self.head == "chroma":
            return output_NChw * self.space.chroma_scale
        bins = (torch.from_numpy(self.centers), torch.from_numpy(self.prior))
        centers_Q2, prior_Q = (x.to(self.device, torch.float32) for x in bins)
        q = decoding.temperature, decoding.tau, prior_Q
        if decoding.method != "diffuse":
            return decode(output_NChw, centers_Q2, decoding.method, *q)
        chroma_N2hw = decode(output_NChw, centers_Q2, "median", *q)
        seen = lightness_N1HW, self.space.lightness_range, self.network.stride
        return diffused(output_NChw, chroma_N2hw, *seen, CONFIDENT * float(self.prior.max()))

    def diffuses(self, decoding: Decoding) -> bool:
        """Whether `chroma` gives every pixel that was seen a color, and not every stride's."""
        return self.head == "bins" and decoding.method == "diffuse"

    def predict_chroma(self, lightness_N1HW: Tensor, decoding: Decoding) -> Tensor:
        """Chroma (N, 2, H, W) of lightness in the space's own units, full size."""
        size = (lightness_N1HW.shape[-2], lightness_N1HW.shape[-1])
        output_NChw = self.predict(self.normalize(lightness_N1HW))
        return self.decode(output_NChw, decoding, size, size, lightness_N1HW)


def build_system(
    params: SystemParams,
    quantizer: Mapping[str, Any],
    centers: npt.NDArray[np.float64],
    prior: npt.NDArray[np.float64],
    *,
    pretrained: bool = False,
) -> System:
    """A system with fresh weights that depend on `params.seed` alone.

    With `pretrained`, the parts of the network that have pretrained weights get them. `quantizer`
    is the meta of the target shards. Raises HuescapeError when it is not the quantizer of `params`,
    `centers` is not (Q, 2) finite numbers with Q its number of bins, `prior` is not as many numbers
    with a sum above 0 and none below, or pretrained weights are missing or do not fit.
    """
    spec = {key: quantizer.get(key) for key in ("name", "space", "encode", "bins")}
    spec["name"] = quantizer.get("name", quantizer.get("quantizer"))
    centers = np.asarray(centers, dtype=np.float64)
    if centers.ndim != 2 or centers.shape[1] != 2 or not np.isfinite(centers).all():
        raise HuescapeError(f"centers have shape {centers.shape}; allowed: (Q, 2) finite numbers")
    if spec["name"] != params.quantizer:
        raise HuescapeError(
            f"the targets were made with quantizer {spec['name']!r}; "
            f"allowed for this system: {params.quantizer!r}"
        )
    if spec["bins"] != len(centers):
        raise HuescapeError(
            f"the targets have {spec['bins']} bins but there are {len(centers)} centers; "
            "run the stages bins, encode and prior again"
        )
    prior = np.asarray(prior, dtype=np.float64)
    has_mass = bool((prior >= 0).all()) and 0 < prior.sum() < np.inf
    if prior.shape != centers.shape[:1] or not has_mass:
        raise HuescapeError(
            f"the prior has shape {prior.shape} and sum {prior.sum():g}; allowed: "
            f"({len(centers)},), a number from 0 for each bin, not all of them 0"
        )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(params.seed)
        outputs = 2 if head_of(spec) == "chroma" else len(centers)
        network = networks.build(params.network.name, params.network.options, outputs)
    if pretrained:
        network.load_pretrained()
    return System(network, space(str(spec["space"])), centers, prior / prior.sum(), params, spec)


def save_system(folder: Path, system: System, facts: Mapping[str, Any], history: str) -> None:
    """Write weights, `system.json` (with `facts` in it), `history.csv` and their SHA256SUMS.

    Equal systems give equal bytes: weights are stored contiguous, from the CPU, by name.
    """
    state = {k: v.detach().cpu().contiguous() for k, v in system.network.own_state().items()}
    weights = safetensors.torch.save(state)
    description = {
        **facts,
        "version": VERSION,
        "params": system.params.model_dump(mode="json"),
        "quantizer": system.quantizer,
        "centers": system.centers.tolist(),
        "prior": system.prior.tolist(),
        "parameters": networks.parameter_count(system.network),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    if system.network.takes_pretrained:
        description["pretrained"] = system.network.pretrained
    atomic.write_bytes(folder / WEIGHTS, weights)
    atomic.write_text(folder / HISTORY, history)
    atomic.write_json(folder / DESCRIPTION, description)
    digests.seal(folder)


def load_system(folder: Path, device: torch.device | str = "cpu") -> System:
    """The system that `save_system` wrote, ready to predict.

    Raises HuescapeError, naming the file, when one is missing, damaged, of another version, or
    does not fit the others, and where pretrained weights that are not in it are missing.
    """
    description = read_description(folder)
    try:
        params = SystemParams.model_validate(description["params"])
        bins = (np.asarray(description[key], dtype=np.float64) for key in ("centers", "prior"))
        system = build_system(params, description["quantizer"], *bins)
    except (*_NOT_A_SYSTEM, HuescapeError) as error:
        raise HuescapeError(f"{folder / DESCRIPTION}: is not a system: {_line(error)}") from error
    if system.network.apart():
        system.network.load_pretrained()
    path = folder / WEIGHTS
    try:
        system.network.load_own_state(read_weights(folder, description))
    except (RuntimeError, ValueError) as error:
        raise HuescapeError(f"{path}: of another network: {_line(error)}") from error
    system.network.to(device).eval()
    return system


def refuse_decoding(system: System, name: str, asked: Sequence[str]) -> None:
    """Raise ParamsError where a person `asked`, by options, how a regression is to be decoded."""
    if asked and system.head == "chroma":
        raise ParamsError(
            f"{asked[0]}: {name!r} is a regression, which predicts colors and no distribution to "
            "choose one from; allowed for it: no option that says how"
        )


def read_description(folder: Path) -> dict[str, Any]:
    """The content of `system.json`.

    Raises HuescapeError when it is missing, damaged, or of another version.
    """
    path = folder / DESCRIPTION
    if (folder / _OLD_WEIGHTS).exists() and not (folder / WEIGHTS).exists():
        raise HuescapeError(
            f"{folder / _OLD_WEIGHTS}: weights of an older version, which cannot be verified; "
            f"{digests.remedy(_stage(folder))}"
        )
    content = digests.read_verified(path, _stage(folder))
    try:
        description = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HuescapeError(f"{path}: cannot be read: {_line(error)}") from error
    version = description.get("version") if isinstance(description, dict) else None
    if type(version) is int and version > VERSION:
        raise HuescapeError(
            f"{path}: made by a newer huescape: version {version}; this one reads {VERSION}; "
            "update huescape"
        )
    if version != VERSION:
        raise HuescapeError(f"{path}: version is {version!r}; allowed: {VERSION}")
    return dict(description)


def read_weights(folder: Path, description: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors by name, once their file is the one that the folder's description names.

    Raises HuescapeError for one that is missing, damaged or another.
    """
    path = folder / WEIGHTS
    content = digests.read_verified(path, _stage(path.parent))
    if hashlib.sha256(content).hexdigest() != description.get("weights_sha256"):
        raise HuescapeError(
            f"{path}: not the weights that {DESCRIPTION} names; "
            f"{digests.remedy(_stage(path.parent))}"
        )
    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise HuescapeError(f"{path}: not a file of safetensors: {_line(error)}") from error


def _stage(folder: Path) -> str:
    path = folder.resolve()
    is_release = path.parent == RELEASED.resolve() or (path / CARD).is_file()
    return f"{'release' if is_release else 'train'}@{path.name}"


def head_of(quantizer: Mapping[str, Any]) -> Head:
    """What a network gives that learned these targets."""
    return "chroma" if quantizer.get("encode", {}).get("method") == "chroma" else "bins"


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:200]
