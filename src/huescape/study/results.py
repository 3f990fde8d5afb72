"""The results of a study as tables, and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from huescape.base.atomic import fresh_directory, write_text
from huescape.base.tables import FLAG, NUMBER, TEXT, WHOLE, frame, write_table
from huescape.study.analysis import Share, Study
from huescape.study.people import LEAST_CAUGHT, Person, counted, judged
from huescape.study.records import answers_text
from huescape.study.store import Answer

_DIGITS = 6
_PEOPLE = {"session": WHOLE, "answered": WHOLE, "trials": WHOLE, "caught": WHOLE, "catches": WHOLE}
_PEOPLE |= {"first_chosen": NUMBER, "reaction_ms": NUMBER, "counted": FLAG, "why_not": TEXT}
_SHARE = {"trials": WHOLE, "people": WHOLE, "photos": WHOLE, "fooled": WHOLE}
_SHARE |= {"share": NUMBER, "low": NUMBER, "high": NUMBER}
_PAIRS = {"first": TEXT, "second": TEXT, "difference": NUMBER, "low": NUMBER, "high": NUMBER}


@dataclass(frozen=True)
class Results:
    """All that is said of a study: of its answers, who gave them, and what counts."""

    answers: Sequence[Answer]
    people: Sequence[Person]
    study: Study

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Results:
        """The results of a study's answers."""
        return cls(answers, judged(answers), Study(counted(answers)))


def write(folder: Path, results: Results) -> None:
    """Write tables and words into a new folder, all or nothing."""
    study = results.study
    with fresh_directory(folder) as fresh:
        write_text(fresh / "answers.csv", answers_text(results.answers))
        write_table(fresh / "people.csv", _people(results.people), _DIGITS)
        rows = [[name, *_cells(study.of_system(name))] for name in study.systems]
        write_table(fresh / "systems.csv", frame(rows, {"system": TEXT} | _SHARE), _DIGITS)
        rows = [[*key, *_cells(share)] for key, share in study.of_photos().items()]
        types = {"photo": TEXT, "system": TEXT} | _SHARE
        write_table(fresh / "photos.csv", frame(rows, types), _DIGITS)
        found = study.differences()
        pairs = [[*key, one.value, one.low, one.high] for key, one in found.items()]
        write_table(fresh / "pairs.csv", frame(pairs, _PAIRS), _DIGITS)
        write_text(fresh / "results.md", words(results))


def words(results: Results) -> str:
    """The results in Markdown: who took part and counts, and a table of systems."""
    return "\n".join([*_who(results), "", *_systems(results.study), ""])


def _people(people: Sequence[Person]) -> pd.DataFrame:
    rows = [
        [
            *(one.session, one.answered, one.trials, one.caught, one.catches),
            *(one.first_chosen, one.reaction_ms, not one.why_not, one.why_not),
        ]
        for one in people
    ]
    return frame(rows, _PEOPLE)


def _cells(share: Share) -> list[object]:
    counts = [share.trials, share.people, share.photos, share.fooled]
    return [*counts, share.share, share.low, share.high]


def _who(results: Results) -> list[str]:
    why = Counter(person.why_not for person in results.people)
    catches = [one for one in results.people if one.answered == one.trials]
    caught, of = sum(one.caught for one in catches), sum(one.catches for one in catches)
    tested = [answer for answer in results.answers if answer.kind == "test"]
    again = sum(answer.looks > 1 for answer in tested)
    return [
        f"{len(results.people)} people answered at least one pair; {why['']} count. "
        f"{why['not finished']} did not finish; {why['missed catch trials']} finished and found "
        f"the photo with wrong colors in less than {_percent(LEAST_CAUGHT)} of their catch trials.",
        f"Those who finished found it in {caught} of {of} catch trials"
        f"{f' ({_percent(caught / of)})' if of else ''}. {again} of {len(tested)} pairs were begun "
        "more than once, and do not count.",
    ]


def _systems(study: Study) -> list[str]:
    if not study.systems:
        return ["No answer counts, and so no system has a share."]
    lines = [
        "| system | fooled | 95 % interval | pairs | people | photos |",
        "|---|---|---|---|---|---|",
    ]
    for name in study.systems:
        one = study.of_system(name)
        cells = [name, _percent(one.share), _interval(one.low, one.high, _percent)]
        lines.append(_row([*cells, *map(str, (one.trials, one.people, one.photos))]))
    lines += [
        "",
        "Fooled: the real photo was said to be the colored one. The ceiling is 50 %, where nobody "
        "can tell and all guess; a share above it means that colors look more real than real ones.",
        "Intervals are over people and photos.",
    ]
    return lines + _differences(study)


def _differences(study: Study) -> list[str]:
    found = study.differences()
    if not found:
        return []
    lines = ["", "| first | second | difference | 95 % interval |", "|---|---|---|---|"]
    for pair, one in found.items():
        lines.append(_row([*pair, _points(one.value), _interval(one.low, one.high, _points)]))
    note = "Each interval is on its own: not corrected for the number of pairs."
    return [*lines, "", note] if len(found) > 1 else lines


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _interval(low: float | None, high: float | None, form: Callable[[float], str]) -> str:
    return "too few" if low is None or high is None else f"{form(low)} to {form(high)}"
