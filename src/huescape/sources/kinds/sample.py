"""Source `sample`: synthetic landscapes rendered from a seed: no network, no download."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from huescape.landscapes.write import write_sample
from huescape.params.download import Name
from huescape.sources.categories import sun_tier
from huescape.sources.listing import Found, found_file
from huescape.sources.source import Source
from huescape.sources.walk import LeftOut, walk_photos


class SampleSource(Source):
    """Synthetic landscapes rendered from a seed: no network, no download."""

    licence_text = "MIT, rendered by huescape"
    rendered = r"sun_[a-z]{16}\.jpg"

    name: Name = "sample"
    photos: int = Field(default=240, ge=20, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)

    def place(self, raw: Path) -> Path:
        """Below the stage's own folder."""
        return raw / self.name

    def render(self, raw: Path, workers: int) -> None:
        """All of them, anew."""
        write_sample(self.place(raw), self.photos, self.seed, workers)

    def found(self, key: str, raw: Path, left_out: LeftOut) -> list[Found]:
        """Those that were rendered; the category is the folder."""
        root = self.place(raw)
        named = [(name, Path(name).parent.as_posix()) for name in walk_photos(root)]
        return [found_file(root, name, category, sun_tier(category)) for name, category in named]
