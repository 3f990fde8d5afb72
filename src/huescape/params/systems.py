"""Section `systems.<name>`: a system to train, as a preset and what it overrides."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from huescape.params.base import FromList, Key, Named, Section

_DIGITS = 13  # hexadecimal ones: as many as a float64 holds


class InitializationParams(Section):
    """Where training starts: the network's own random weights (`network`), or others.

    `kmeans` is the data-dependent initialization of Kraehenbuehl et al. 2016, on `photos` photos:
    two at least, as batch norm has no variance of one. `system` is the trained weights of the
    system that `from` names, but for the head where kind, color space or bins differ. `released`
    is the weights that the network's authors published, from `file`.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    method: Literal["network", "kmeans", "system", "released"] = "network"
    photos: int = Field(default=16, ge=2, le=1024)
    start: Key | None = Field(default=None, alias="from")
    file: str | None = None

    @model_validator(mode="after")
    def _names_what_it_needs(self) -> InitializationParams:
        for key, value, method in (("from", self.start, "system"), ("file", self.file, "released")):
            if value is not None and "method" not in self.model_fields_set:
                raise ValueError(f"method is missing; allowed with {key}: {method}")
            if (value is not None) != (self.method == method):
                wrong = "is missing" if value is None else "says nothing"
                raise ValueError(f"{key} {wrong} with method {self.method}; it is for {method}")
        return self


Factor = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class OptimizerParams(Section):
    """The optimizer, its schedule, and what is made of its steps.

    `schedule` milestones is lr times `gamma` at each share of the run in `milestones`; `gamma` is
    one factor for all milestones, or one for each. `cosine` falls from lr to 0 along half a cosine.
    Before either, over the share `warmup` of the run, the rate rises in a line from lr / 100.
    """

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = Field(default=1e-3, gt=0)
    betas: Annotated[tuple[Beta, Beta], FromList] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0)
    decay: Literal["all", "matrices"] = "all"
    """What weight decay is on: all, or matrices, the weights of layers without biases and norms."""
    schedule: Literal["milestones", "cosine"] = "milestones"
    milestones: Annotated[tuple[float, ...], FromList] = ()
    gamma: Factor | Annotated[tuple[Factor, ...], FromList] = 0.1
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of the run over which the rate rises at first."""
    slow: Factor = 1.0
    """Factor of the rate of the network's slow part, pretrained layers that are trained on."""
    clip: float | None = Field(default=None, gt=0)
    """Largest norm of the gradient: a longer one is shortened to it. Null: none."""
    average: Beta | None = None
    """Share that the average of the weights keeps of itself at a step, and less at first:
    (1 + n) / (10 + n) after n steps. The averaged weights are the result. Null: those of the last
    step."""

    @model_validator(mode="after")
    def _the_schedule_has_what_it_takes(self) -> OptimizerParams:
        if self.schedule == "cosine" and self.milestones:
            raise ValueError("milestones are for schedule milestones; allowed with cosine: []")
        if self.milestones and self.warmup > self.milestones[0]:
            raise ValueError(
                f"warmup is {self.warmup:g}; allowed: at most the first of milestones, "
                f"{self.milestones[0]:g}"
            )
        return self

    @model_validator(mode="after")
    def _milestones_rise(self) -> OptimizerParams:
        if any(not 0 < share < 1 for share in self.milestones):
            raise ValueError("milestones are shares of the run, each between 0 and 1")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError("milestones must rise")
        if isinstance(self.gamma, tuple) and len(self.gamma) != len(self.milestones):
            raise ValueError(
                f"gamma has {len(self.gamma)} factors; allowed: one, or one for each of the "
                f"{len(self.milestones)} milestones"
            )
        return self

    @property
    def factors(self) -> tuple[float, ...]:
        """The factor of each milestone."""
        if isinstance(self.gamma, tuple):
            return self.gamma
        return (self.gamma,) * len(self.milestones)


Side = Annotated[int, Field(ge=16, le=1024)]
Share = Annotated[float, Field(gt=0, lt=1)]
Ratio = Annotated[float, Field(gt=0, le=100)]


class LightnessParams(Section):
    """Curves for the lightness v in [0, 1] of some of the photos, each with its own.

    v becomes (v^g - 1/2) c + 1/2 + b, cut to [0, 1].
    """

    share: Factor = 0.5
    """Share of the photos."""
    gamma: float = Field(default=0.3, ge=0, le=5)
    """g is exp of a number drawn evenly between minus this and this."""
    contrast: Annotated[tuple[Ratio, Ratio], FromList] = (0.8, 1.15)
    """Between which c is drawn evenly."""
    brightness: float = Field(default=0.05, ge=0, le=1)
    """b is drawn evenly between minus this and this."""

    @model_validator(mode="after")
    def _ranges_rise(self) -> LightnessParams:
        _check_rises("contrast", self.contrast)
        return self


def _check_rises(key: str, ends: tuple[float, float]) -> None:
    if ends[0] > ends[1]:
        raise ValueError(f"{key} is {list(ends)}; allowed: the smaller end first")


class AugmentationParams(Section):
    """What is changed of the photos of the training split.

    `mode` together draws every change for every photo anew. `single` makes a training set of
    variants with one change each (the photo as it is, its flip, its turns, each of `noise`, each of
    `crop_shares`); an epoch shows every variant of every photo once, the same each time.

    `flip` mirrors left and right; `turn` rotates by a multiple of 90 degrees. `crop` is the side in
    pixels of what a batch shows of a photo, drawn anew each time, or null for all of it; what it is
    cut from, `geometry` says. `crop_shares` are crops of shares of the photo's own sides, the rest
    black, and need geometry.fit pad. With `area`, what is resized to `crop` is a part of the photo
    that has a share of its area between these two, and a width over height in `aspect` (both drawn
    evenly, of the latter the logarithm), cut to the photo's sides; it needs geometry.fit inside.
    `noise` lists standard deviations (of lightness in [0, 1]).
    """

    mode: Literal["together", "single"] = "together"
    flip: bool = True
    turn: bool = False
    crop: Side | None = None
    crop_shares: Annotated[tuple[Share, ...], FromList] = ()
    area: Annotated[tuple[Factor, Factor], FromList] | None = None
    aspect: Annotated[tuple[Ratio, Ratio], FromList] = (1.0, 1.0)
    noise: Annotated[tuple[Annotated[float, Field(ge=0)], ...], FromList] = ()
    lightness: LightnessParams | None = None

    @model_validator(mode="after")
    def _suits_its_mode(self) -> AugmentationParams:
        _check_rises("area", self.area or (0.0, 0.0))
        _check_rises("aspect", self.aspect)
        for key in ("area", "lightness"):
            if self.mode == "single" and getattr(self, key) is not None:
                raise ValueError(f"{key}: is drawn anew each time; allowed with mode single: null")
        return self


Fit = Literal["pad", "inside", "stretch"]


class GeometryParams(Section):
    """What a network sees of a photo, which lies in a padded square of `resize.size` pixels.

    `pad` shows the square with its padding, in training as in evaluation. The others show no
    padding, and evaluation shows the photo alone: `inside` cuts the crop out of the photo, scaled
    up where its short side is below the crop; `stretch` stretches the photo to a square first.
    `side` is that of this square (null: `resize.size`), or inside, the photo's short side, to which
    it is scaled up (null: that of the crop). `view` is the longer side of what evaluation and
    `huescape colorize` show: a photo whose stored longer side is less is scaled up for the network,
    and the network's outputs back (null: photos as they are stored). A network that is trained on
    parts of photos, scaled up to the crop, knows things larger than a whole photo of that size
    shows them (Touvron et al. 2019, Fixing the train-test resolution discrepancy).
    """

    fit: Fit = "pad"
    side: Side | None = None
    view: Side | None = None


class PhotosParams(Section):
    """Which of the training photos a system learns from; those it is validated on stay the same.

    `only` are patterns of photos' ids as the catalog has them (`sun397/*`), one of which must
    match; none takes all. `share` takes a part of these: the same photos whatever the seed, and
    among those of every larger share. Bins, priors and class weights stay those of all.
    """

    only: Annotated[tuple[str, ...], FromList] = ()
    share: Factor = 1.0

    def holds(self, photo: str) -> bool:
        """Whether a training photo with this id is learned from."""
        named = not self.only or any(fnmatchcase(photo, pattern) for pattern in self.only)
        return named and _place(photo) < self.share


def _place(photo: str) -> float:
    """A number in [0, 1) that depends on the id alone, and is not that of its split."""
    digest = hashlib.sha256(f"share {photo}".encode()).hexdigest()
    return float(int(digest[:_DIGITS], 16) / 16**_DIGITS)


Steps = Annotated[int, Field(ge=0, le=10**9)]
Every = Annotated[int, Field(ge=1, le=10**9)]
Batch = Annotated[int, Field(ge=1, le=100_000)]
ShuffleShards = Annotated[int, Field(ge=1, le=10_000)]
Precision = Literal["auto", "float32", "tf32", "bfloat16"]


class SystemParams(Section):
    """Everything that training reads: a preset with the overrides of params.yaml applied.

    `positions` is the share of the targets of a batch that the loss sees, drawn anew for each photo
    and step; null is all. `shuffle_shards` is the window of the shuffle: each epoch permutes the
    shards, takes so many at a time, and shuffles the photos of these; null shuffles all at once.
    `precision` tf32 is float32 with matrix products and convolutions in TF32 on CUDA, and float32
    elsewhere. `compile` trains through torch.compile: it takes a compiler and a minute at the
    start, and is for long runs. `steps` 0 scores weights as they are.
    """

    preset: str
    quantizer: str
    network: Named
    loss: Named
    initialization: InitializationParams = InitializationParams()
    optimizer: OptimizerParams = OptimizerParams()
    augmentation: AugmentationParams = AugmentationParams()
    geometry: GeometryParams = GeometryParams()
    photos: PhotosParams = PhotosParams()
    steps: Steps = 1000
    batch: Batch = 64
    positions: Share | None = None
    shuffle_shards: ShuffleShards | None = None
    checkpoint_every: Every = 200
    precision: Precision = "auto"
    compile: bool = False
    seed: int = Field(default=0, ge=0, lt=2**63)


class SystemOverrides(Section):
    """An entry of `systems:`; a nested section overrides the keys of the preset that it names.

    A section with another `name` (of the network, the loss, the optimizer) replaces the preset's.
    """

    preset: str
    quantizer: str
    network: dict[str, Any] = Field(default_factory=dict)
    loss: dict[str, Any] = Field(default_factory=dict)
    initialization: dict[str, Any] = Field(default_factory=dict)
    optimizer: dict[str, Any] = Field(default_factory=dict)
    augmentation: dict[str, Any] = Field(default_factory=dict)
    geometry: dict[str, Any] = Field(default_factory=dict)
    photos: dict[str, Any] = Field(default_factory=dict)
    steps: Steps | None = None
    batch: Batch | None = None
    positions: Share | None = None
    shuffle_shards: ShuffleShards | None = None
    checkpoint_every: Every | None = None
    precision: Precision | None = None
    compile: bool | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)

    section: ClassVar[str] = "systems"
    scores: ClassVar[str] = "evaluate"  # its stage, by the group of dvc.yaml


class FinetunedOverrides(SystemOverrides):
    """An entry of `finetuned:`, a system that starts from the weights of one of `systems:`.

    `initialization.from` names that one, here and not in a preset: dvc.yaml reads it.
    """

    section: ClassVar[str] = "finetuned"
    scores: ClassVar[str] = "score"
