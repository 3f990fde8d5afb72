"""Color films: frames read, colored steadily over time, and written with all that came with them.

`is_film` and `color_film` are what a command needs; neither loads anything heavy until it is used.
"""

from huescape.film.entry import color_film
from huescape.film.places import film_jobs
from huescape.film.recognition import is_film
from huescape.film.several import color_films

__all__ = ["color_film", "color_films", "film_jobs", "is_film"]
