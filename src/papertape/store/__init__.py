"""Drivers behind the journal's ports, all from the one declaration in `model.tables`, and the data folder.

In: commits and reads through `journal.ports`, a path, files from elsewhere. Out: durable rows, records, the texts of
saved strategies, backups, bundles, CSV and Parquet.
Never: SQL outside this package, a column written by hand, a row dropped in silence, a strategy parsed.
"""
