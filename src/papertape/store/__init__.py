"""Drivers behind the journal's ports, all from the one declaration in `model.tables`, and the data folder.

In: commits and reads through `journal.ports`, a path, files from elsewhere. Out: durable rows, records, the texts of
saved strategies, backups, bundles, CSV and Parquet.
Never: SQL outside this package, a column written by hand, a row dropped in silence, a strategy parsed.
"""

from papertape.store.folder import DataFolder, open_folder
from papertape.store.history import SqliteHistory, open_history
from papertape.store.sqlite import SqliteStore, open_store
from papertape.store.strategy_files import StrategyFile, StrategyFiles

__all__ = [
    "DataFolder",
    "SqliteHistory",
    "SqliteStore",
    "StrategyFile",
    "StrategyFiles",
    "open_folder",
    "open_history",
    "open_store",
]
