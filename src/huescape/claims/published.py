"""What the papers claim of their systems, each with the scores and the pairs that can show it."""

from __future__ import annotations

from dataclasses import dataclass

from huescape.claims import contrasts
from huescape.claims.contrasts import Contrast


@dataclass(frozen=True)
class Claim:
    """What a paper says of two kinds of systems, as expected signs of score differences.

    `expected` has (score, sign of first minus second); `contrast` None compares a system of
    each network that gives distributions with itself: its annealed means of the lowest and the
    highest temperature.
    """

    number: str
    text: str
    source: str
    expected: tuple[tuple[str, int], ...]
    contrast: Contrast | None
    answer: str


CLAIMS = (
    Claim(
        "1",
        "Rebalancing the classes lowers the AuC, and raises the rebalanced and macro AuC and "
        "the colorfulness.",
        "Zhang et al. 2016",
        (("auc", -1), ("auc_rebalanced", 1), ("auc_macro", 1), ("colorfulness", 1)),
        contrasts.REBALANCED,
        "a system with loss.weighted true and one with false, as zhang2016 and "
        "zhang2016_norebalance",
    ),
    Claim(
        "2",
        "The squared error (L2) gives the least colorful pictures.",
        "all of the papers",
        (("colorfulness", -1),),
        contrasts.L2,
        "a system with loss l2 and one with another loss on the same network, as zhang2016_l2 "
        "and zhang2016",
    ),
    Claim(
        "3",
        "Soft targets beat hard ones at an equal budget.",
        "Zhang et al. 2016",
        (("auc", 1), ("auc_macro", 1)),
        contrasts.SOFT,
        "one system with two quantizers that differ in encode.method alone (soft, hard)",
    ),
    Claim(
        "4",
        "The temperature trades vividness for consistency: as it falls, the colorfulness rises "
        "and the AuC falls.",
        "Billaut et al. 2018 (ColorUNet), Zhang et al. 2016",
        (("colorfulness", 1), ("auc", -1)),
        None,
        "a system that classifies, scored by annealed means of two or more temperatures "
        "(evaluate.decodes)",
    ),
    Claim(
        "5a",
        "Augmentation helps at an equal number of steps.",
        "Billaut et al. 2018 (ColorUNet)",
        (("auc", 1),),
        contrasts.AUGMENTED,
        "a system with augmentation and the same one with flip false, crop null and no noise",
    ),
    Claim(
        "5b",
        "Augmentation helps at an equal number of epochs, each of a training set that is as many "
        "times as large as it has variants of a photo.",
        "Billaut et al. 2018 (ColorUNet)",
        (("auc", 1),),
        contrasts.AUGMENTED_EPOCHS,
        "a system with augmentation.mode single and the same one without augmentation, with fewer "
        "steps by as many times",
    ),
    Claim(
        "6",
        "Skip connections beat a bottleneck without them.",
        "Billaut et al. 2018 (ColorUNet)",
        (("auc", 1), ("auc_macro", 1)),
        contrasts.SKIPS,
        "a system with network.skips true and one with false",
    ),
    Claim(
        "7a",
        "Pretrained features help.",
        "MLEU",
        (("auc", 1), ("auc_macro", 1)),
        contrasts.PRETRAINED,
        "a system with network.pretrained and the same one with none",
    ),
    Claim(
        "7b",
        "Smoothing the prior helps.",
        "MLEU",
        (("auc", 1), ("auc_macro", 1)),
        contrasts.SMOOTHED,
        "a system with loss.weighted and two quantizers that differ in prior.sigma alone (0 and "
        "above)",
    ),
)
