"""The presets as they stand hold the published sizes, rates and shares; a slip of a digit fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import huescape
from huescape import networks
from huescape.base.errors import ParamsError
from huescape.losses import LOSSES
from huescape.params.presets import resolve_system
from huescape.params.systems import (
    AugmentationParams,
    GeometryParams,
    SystemOverrides,
    SystemParams,
)
from huescape.training.descent import schedule

# Parameters and the output's channels and side for a photo of 256 x 256, as the papers have them or
# as the tables of the networks' modules derive them (MLEU: 2,958,848 of them frozen).
SIZES = {
    "chromagan": (171_166_090, 2, 256),
    "colorunet": (142_016, 32, 256),
    "colorunet_bottleneck": (135_104, 32, 256),
    "colorunet_flat": (28_352, 32, 256),
    "huescape": (742_267 + 3_371_008, 313, 64),
    "huescape_tuned": (742_267 + 3_371_008, 313, 64),
    "mleu_classification": (6_255_865 + 2_958_848, 313, 256),
    "mleu_regression": (6_245_602 + 2_958_848, 2, 256),
    "slides_block": (32_230_393, 313, 64),
    "slides_ce": (32_230_393, 313, 64),
    "slides_exact_focal": (32_230_393, 313, 64),
    "slides_focal": (32_230_393, 313, 64),
    "slides_l2": (32_150_466, 2, 64),
    "zhang2016": (32_230_393, 313, 64),
    "zhang2016_l2": (32_150_466, 2, 64),
    "zhang2016_l2_finetuned": (32_150_466, 2, 64),
    "zhang2016_norebalance": (32_230_393, 313, 64),
    "zhang2016_released": (32_230_393, 313, 64),
}
GAN = {"class_share": 0.003, "adversarial_share": 0.1, "penalty": 10.0}
RELEASED_GAN = {"teacher_normalized": False, "span": 2.318, "critic_slope": 0.3}
MEAN, SUM = {"reduction": "pixel"}, {"reduction": "photo"}
REBALANCED: dict[str, Any] = {"name": "cross_entropy", "weighted": True, **MEAN}
TWO_HEADS: dict[str, Any] = {"name": "bins_and_chroma", "weighted": False, "share": 0.05, **MEAN}
PUBLISHED_LOSSES: dict[str, dict[str, Any]] = {
    "chromagan": {"name": "chromagan", "teacher": "efficientnet_lite0", **GAN, **RELEASED_GAN},
    **dict.fromkeys(("colorunet", "colorunet_bottleneck", "colorunet_flat"), REBALANCED),
    **dict.fromkeys(("huescape", "huescape_tuned"), TWO_HEADS),
    "mleu_classification": REBALANCED,
    "mleu_regression": {"name": "l2", **MEAN},
    **{
        key: {"name": "l2", **SUM}
        for key in ("slides_l2", "zhang2016_l2", "zhang2016_l2_finetuned")
    },
    "slides_block": {"name": "block", "weighted": True, "side": 8, "share": 1.0, **SUM},
    **dict.fromkeys(("slides_ce", "zhang2016", "zhang2016_released"), REBALANCED | SUM),
    "slides_exact_focal": {"name": "exact_focal", "weighted": True, "gamma": 2.0, **SUM},
    "slides_focal": {"name": "focal", "weighted": True, "alpha": 10.0, "beta": 10.0, **SUM},
    "zhang2016_norebalance": {"name": "cross_entropy", "weighted": False, **SUM},
}
EIGHT_BLOCKS = [name for name in SIZES if name.startswith(("zhang2016", "slides"))]


def published(name: str) -> SystemParams:
    overrides = SystemOverrides.model_validate({"preset": name, "quantizer": "any"})
    return resolve_system(name, overrides)


def test_every_preset_is_listed_here() -> None:
    folder = Path(huescape.__file__).parent / "presets"
    assert sorted(path.parent.name for path in folder.glob("*/preset.yaml")) == sorted(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_parameters_and_output(name: str) -> None:
    parameters, outputs, side = SIZES[name]
    system = published(name)
    head = LOSSES.find(system.loss.name).head
    assert head == ("chroma" if outputs == 2 else "bins")
    with torch.device("meta"):
        network = networks.build(system.network.name, system.network.options, outputs)
        output = network.eval()(torch.zeros(1, 1, 256, 256))
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert output.shape == (1, outputs, side, side)


@pytest.mark.parametrize("name", SIZES)
def test_loss(name: str) -> None:
    loss = published(name).loss
    assert {"name": loss.name, **LOSSES.check(loss.name, loss.options)} == PUBLISHED_LOSSES[name]


@pytest.mark.parametrize("name", EIGHT_BLOCKS)
def test_schedule_of_zhang_et_al(name: str) -> None:
    """3e-5, 1e-5 from step 200,000 of 450,000, 3e-6 from 375,000, to 100 steps."""
    system = published(name)
    assert system.optimizer.betas == (0.9, 0.99)
    assert (system.optimizer.name, system.optimizer.weight_decay) == ("adam", 1e-3)
    assert (system.batch, system.geometry) == (40, GeometryParams(fit="stretch"))
    assert system.augmentation == AugmentationParams(flip=True, crop=176)
    steps = (0, 199_900, 200_000, 374_900, 375_000, 449_999)
    rates = [schedule(system.optimizer).rate(step / 450_000) for step in steps]
    assert rates == pytest.approx([3e-5, 3e-5, 1e-5, 1e-5, 3e-6, 3e-6], rel=1e-5)
    if name == "zhang2016_released":
        assert (system.steps, system.initialization.method) == (0, "released")
    elif name.startswith("zhang2016"):
        assert system.steps == 450_000


@pytest.mark.parametrize(
    ("name", "rate", "slow", "batch", "tuned_from"),
    [("huescape", 2e-3, 1, 16, None), ("huescape_tuned", 1e-3, 0.15, 8, 3)],
)
def test_our_own_recipe(
    name: str, rate: float, slow: float, batch: int, tuned_from: int | None
) -> None:
    """Two phases of one recipe, which differ in what is trained, from where, and how fast."""
    system, other = published(name), published("huescape")
    optimizer = system.optimizer
    assert (optimizer.name, optimizer.weight_decay, optimizer.decay) == ("adamw", 0.03, "matrices")
    assert (optimizer.clip, optimizer.average, optimizer.slow) == (5, 0.997, slow)
    assert schedule(optimizer).rate(optimizer.warmup) == rate
    assert schedule(optimizer).rate(1) == pytest.approx(0)
    assert (system.batch, system.positions) == (batch, 0.25)
    assert (system.augmentation, system.geometry) == (other.augmentation, other.geometry)
    assert system.augmentation.area == (0.35, 1.0)
    assert system.network.options == {**other.network.options, "tuned_from": tuned_from}


def test_optimizer_of_chromagan() -> None:
    system = published("chromagan")
    assert (system.optimizer.name, system.optimizer.lr) == ("adam", 2e-5)
    assert (system.optimizer.betas, system.optimizer.weight_decay) == ((0.5, 0.999), 0.0)
    assert schedule(system.optimizer).rate(0.999) == 2e-5
    assert system.batch == 10
    options = system.network.options
    assert (options["normalize"], options["norm_momentum"]) == (False, 0.01)


def test_photos_of_chromagan() -> None:
    """Stretched to 224 x 224, and not changed."""
    system = published("chromagan")
    assert system.geometry == GeometryParams(fit="stretch", side=224)
    assert system.augmentation == AugmentationParams(flip=False)


@pytest.mark.parametrize("name", ["mleu_classification", "mleu_regression"])
def test_photos_of_mleu(name: str) -> None:
    system = published(name)
    assert system.geometry == GeometryParams(fit="inside")
    assert system.augmentation == AugmentationParams(turn=True, crop=224)


@pytest.mark.parametrize("name", ["colorunet", "colorunet_bottleneck", "colorunet_flat"])
def test_training_of_colorunet(name: str) -> None:
    system = published(name)
    assert (system.optimizer.name, system.optimizer.lr, system.batch) == ("adam", 1e-3, 64)
    assert len(system.optimizer.milestones) == 1
    assert system.geometry == GeometryParams(fit="pad")
    seven = {"crop_shares": (0.7, 0.7), "noise": (1e-4, 2e-4, 3e-4)}
    assert system.augmentation == AugmentationParams(mode="single", flip=True, **seven)
    pictures = 20 * 7 * 13_469
    assert 0 <= system.steps * system.batch - pictures < 64


@pytest.mark.parametrize("name", ["mleu_classification", "mleu_regression"])
def test_optimizer_of_mleu(name: str) -> None:
    system = published(name)
    assert (system.optimizer.name, system.optimizer.lr) == ("adam", 0.004)
    assert (system.optimizer.betas, system.optimizer.weight_decay) == ((0.9, 0.999), 0.0)
    assert system.network.options["stride"] == 1


def test_another_loss_says_a_reduction_or_another_decay() -> None:
    """The decay of a recipe whose loss is a sum is that of a sum; chromagan has no reduction."""
    entry = {"preset": "zhang2016", "quantizer": "any", "loss": {"name": "chromagan"}}
    with pytest.raises(ParamsError, match=r"\.reduction: is missing; .*optimizer\.weight_decay$"):
        resolve_system("a", SystemOverrides.model_validate(entry))
    own = SystemOverrides.model_validate({**entry, "optimizer": {"weight_decay": 0.0}})
    resolved = resolve_system("a", own)
    assert resolved.loss.options == {}
    assert (resolved.optimizer.weight_decay, resolved.optimizer.lr) == (0.0, 3e-5)
