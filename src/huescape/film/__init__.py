"""Color films: frames read, colored steadily over time, and written with all that came with them.

`is_film` and `color_film` are what a command needs; neither loads anything heavy until it is used.
"""

from huescape.film.entry import color_film
from huescape.film.recognition import is_film, result_paths

__all__ = ["color_film", "is_film", "result_paths"]
