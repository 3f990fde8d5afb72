"""Source `div2k`: 800 training and 100 validation photos of 2,000 pixels, PNG.

E. Agustsson and R. Timofte, NTIRE 2017 Challenge on Single Image Super-Resolution, CVPRW 2017.
"""

from __future__ import annotations

from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.params.download import Name
from huescape.sources.downloaded import DownloadedSource, say
from huescape.sources.fetch import check_room, fetch
from huescape.sources.listing import Found, file_size
from huescape.sources.walk import LeftOut, walk_photos
from huescape.sources.zips import extract_zip, zip_problem

#: The folders that the archives hold, and the splits of their photos.
_PARTS = {"DIV2K_train_HR": "train", "DIV2K_valid_HR": "val"}
_GB = 1e9


class Div2kSource(DownloadedSource):
    """DIV2K: extracted folders, zip archives on disk, or a download.

    `root` holds `DIV2K_train_HR`, `DIV2K_valid_HR` or both, used as they are. One that is not there
    is extracted from its zip file in the folder `archive` (by default `root`), which is first
    downloaded from the folder `url` when it does not exist; no checksum of these files is
    published, and each photo is compared with its CRC-32. The archive is the photo's split; all
    photos count as landscapes, since the dataset has no categories.
    """

    licence_text = "for academic research; each photo is its owner's"
    homepage = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
    unlisted = ("colorunet",)

    name: Name = "div2k"

    def prepare(self, key: str) -> None:
        """Extract the parts that are not there, and download their archives, if they can be had.

        Raises HuescapeError when no part is there or can be, or one fails.
        """
        root = Path(self.root).expanduser()
        archives = Path(self.archive).expanduser() if self.archive else root
        for part in _PARTS:
            zipped = archives / f"{part}.zip"
            if (root / part).is_dir():
                continue
            if self.url is not None and not zipped.is_file():
                self._download(part, zipped)
            if zipped.is_file():
                say(f"{self.name}: extracting {zipped} to {root / part}")
                extract_zip(zipped, root / part)
        if not any((root / part).is_dir() for part in _PARTS):
            raise HuescapeError(
                f"{key}.root: {self.root} holds no folder {' or '.join(_PARTS)}; give the "
                "extracted folders, or `archive` (and `url`) to extract them from"
            )

    def found(self, key: str, raw: Path, left_out: LeftOut) -> list[Found]:
        """The photos of the parts that are there."""
        root = Path(self.root).expanduser()
        photos = []
        for part, split in _PARTS.items():
            folder = root / part
            for name in walk_photos(folder, left_out) if folder.is_dir() else ():
                path = folder / name
                size = file_size(path)
                photos.append(Found(f"{part}/{name}", path, "", "core", size, split=split))
        if not photos:
            raise HuescapeError(f"{key}.root: no photo in {' or '.join(_PARTS)} of {self.root}")
        return photos

    def _download(self, part: str, zipped: Path) -> None:
        def room(size: int) -> None:
            # Photos are compressed already: the archive and what is in it are of one size.
            say(f"{self.name}: downloading {size / _GB:.2f} GB to {zipped}, then extracting it")
            check_room(zipped, 2 * size, "the archive and its photos")

        address = f"{str(self.url).rstrip('/')}/{part}.zip"
        fetch(address, zipped, refuse=zip_problem, room=room, patience=self.patience)
