"""What a run's page shows of scores besides numbers: a table, and a few lines of text.

MLflow lays the tables of several runs side by side, row by row.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from huescape.tracking.mlflow_api import Run
from huescape.tracking.notes import SCORES, scores_section
from huescape.tracking.records import EVALUATED, Record
from huescape.tracking.score_table import Row, headline_rows, score_table
from huescape.tracking.store import Store

TABLE = "scores.json"


def show_results(store: Store, run: Run, record: Record) -> None:
    """Add the table of a record's scores to its run, and the headline ones to its text."""
    table = record.get("table") or _table_of(record)
    if table:
        _log_table(store, run, table)
        store.add_section(run.info.run_id, SCORES, scores_section(headline_rows(table)))


def _table_of(record: Record) -> list[Row]:
    folders = (Path(path) for path, place in record["artifacts"] if place == EVALUATED)
    folder = next((one for one in folders if (one / "scores.json").is_file()), None)
    return score_table(folder) if folder else []


def _log_table(store: Store, run: Run, table: list[Row]) -> None:
    run_id, data = run.info.run_id, pd.DataFrame(table)
    if any(item.path == TABLE for item in store.client.list_artifacts(run_id)):
        # `log_table` would append; this is what it writes.
        store.client.log_text(run_id, data.to_json(orient="split", index=False), TABLE)
    else:
        store.client.log_table(run_id, data, TABLE)
