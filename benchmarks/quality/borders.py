"""Which photos have a frame, as `coloring.borders` finds it: to be looked at, one by one.

python -m benchmarks.quality.borders PHOTO_OR_FOLDER…
"""

from __future__ import annotations

import argparse

from benchmarks.quality.photos import add_photos, chosen_photos, read_photo
from huescape.coloring.borders import WHOLE, find_frame


def main() -> None:
    """Print a line for each photo with a frame, and how many there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_photos(parser)
    photos = chosen_photos(parser.parse_args())
    count = 0
    for name, path in photos:
        rgb_HW3 = read_photo(name, path).rgb
        frame = find_frame(rgb_HW3)
        if frame != WHOLE:
            count += 1
            height, width = rgb_HW3.shape[:2]
            rows, columns = frame.within((height, width))
            sides = rows.start, height - rows.stop, columns.start, width - columns.stop
            said = zip(("top", "bottom", "left", "right"), sides, strict=True)
            print(f"{name} ({width} x {height}):", *(f"{side} {depth}" for side, depth in said))
    print(f"{count} of {len(photos)} photos have a frame")


if __name__ == "__main__":
    main()
