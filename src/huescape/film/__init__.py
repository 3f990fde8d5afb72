"""Color films: frames read, colored steadily over time, and written with all that came with them.

What is named here is what a command needs; nothing of it loads anything heavy until it is used.
"""

from huescape.film.entry import color_film
from huescape.film.recognition import is_film, refuse_conflict, result_paths

__all__ = ["color_film", "is_film", "refuse_conflict", "result_paths"]
