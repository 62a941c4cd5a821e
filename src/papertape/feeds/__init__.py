"""Market sources: one folder a venue, each split into a pure protocol and a thin socket client.

In: exchange bytes, recordings, a seed.
Out: market events of `model`, per received burst, and the state of the connection.
Never: sessions, storage, decisions; a `protocol` never does I/O.
"""
