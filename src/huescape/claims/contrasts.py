"""Pairs of groups that differ in one thing only, found from their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from huescape.reporting.groups import Group, Settings, differing


@dataclass(frozen=True)
class Pair:
    """Two groups to compare; `also` are keys that differ besides, and are allowed to."""

    first: Group
    second: Group
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contrast:
    """The one thing in which two groups must differ.

    `free` are dotted keys or sections that belong to it. `noted` may differ too, and is told to
    the reader when it does. `first` and `second` say on which side a group stands, `both` what must
    hold of the two together.
    """

    free: tuple[str, ...]
    first: Callable[[Settings], bool]
    second: Callable[[Settings], bool]
    noted: tuple[str, ...] = ()
    both: Callable[[Settings, Settings], bool] = lambda first, second: True

    def pairs(self, groups: Sequence[Group]) -> list[Pair]:
        """Every pair that differs in this alone and was scored on the same photos."""
        found = []
        for one, two in self._sided(groups):
            rest = self._rest(one, two)
            if all(_within(key, self.noted) for key in rest):
                found.append(Pair(one, two, tuple(rest)))
        return found

    def closest(self, groups: Sequence[Group]) -> Pair | None:
        """The pair that comes nearest to being one; `also` are the keys that are in the way."""
        found = []
        for one, two in self._sided(groups):
            rest = [key for key in self._rest(one, two) if not _within(key, self.noted)]
            found.append(Pair(one, two, tuple(rest)))
        return min(found, key=lambda pair: len(pair.also), default=None)

    def _sided(self, groups: Sequence[Group]) -> list[tuple[Group, Group]]:
        return [
            (one, two)
            for one in groups
            if self.first(one.settings)
            for two in groups
            if self.second(two.settings)
            and two.photos == one.photos
            and self.both(one.settings, two.settings)
        ]

    def _rest(self, one: Group, two: Group) -> list[str]:
        keys = differing(one.settings, two.settings)
        return [key for key in keys if not _within(key, self.free)]


def _within(key: str, sections: Sequence[str]) -> bool:
    return any(key == section or key.startswith(section + ".") for section in sections)


def _is(key: str, *values: object) -> Callable[[Settings], bool]:
    return lambda settings: key in settings and settings[key] in values


def _augmented(settings: Settings) -> bool:
    noise = settings.get("augmentation.noise") or []
    changes = (
        settings.get(f"augmentation.{key}")
        for key in ("flip", "turn", "crop", "crop_shares", "lightness.share")
    )
    return bool(any(changes) or any(noise))


def _variants(settings: Settings) -> int:
    """How many examples an epoch has of each photo: one, where every change is drawn anew."""
    if settings.get("augmentation.mode") != "single":
        return 1
    turns = 3 if settings.get("augmentation.turn") else 0
    listed = [settings.get(f"augmentation.{key}") or () for key in ("noise", "crop_shares")]
    return 1 + bool(settings.get("augmentation.flip")) + turns + sum(map(len, listed))


def _equal_epochs(first: Settings, second: Settings) -> bool:
    """Each sees its own, larger or smaller, training set equally often, to one step."""
    one, two = (int(settings["steps"]) / _variants(settings) for settings in (first, second))
    return _variants(first) != _variants(second) and abs(one - two) < 1


def _plain(settings: Settings) -> bool:
    return not _augmented(settings)


def _smoothed(settings: Settings) -> bool:
    return bool(settings.get("loss.weighted")) and bool(settings.get("quantizer.prior.sigma"))


def _unsmoothed(settings: Settings) -> bool:
    # Without class weights the prior is not used, and its smoothing can change nothing.
    return bool(settings.get("loss.weighted")) and settings.get("quantizer.prior.sigma") == 0


def _pretrained(settings: Settings) -> bool:
    return settings.get("network.pretrained", "none") not in (None, "none")


def _with_skips(settings: Settings) -> bool:
    return bool(settings.get("network.skips", True))  # the default of the network that has it


def _not_l2(settings: Settings) -> bool:
    return settings.get("loss.name") not in (None, "l2")


REBALANCED = Contrast(("loss.weighted",), _is("loss.weighted", True), _is("loss.weighted", False))
L2 = Contrast(
    ("loss", "quantizer", "network.activation"),
    _is("loss.name", "l2"),
    _not_l2,
    noted=("optimizer", "initialization", "precision", "compile"),
)
SOFT = Contrast(
    ("quantizer.encode.method", "quantizer.encode.neighbors", "quantizer.encode.sigma"),
    _is("quantizer.encode.method", "soft"),
    _is("quantizer.encode.method", "hard"),
)
AUGMENTED = Contrast(("augmentation",), _augmented, _plain)
AUGMENTED_EPOCHS = Contrast(("augmentation", "steps"), _augmented, _plain, both=_equal_epochs)
SKIPS = Contrast(("network.skips",), _with_skips, _is("network.skips", False))
PRETRAINED = Contrast(("network.pretrained",), _pretrained, _is("network.pretrained", "none"))
SMOOTHED = Contrast(("quantizer.prior.sigma", "quantizer.prior.smoothing"), _smoothed, _unsmoothed)
