"""Recordings played as a market source: raw venue frames or Parquet, at any pace.

In: files of received frames or of trades and quotes. Out: the same market events a live venue would have given.
Never: changes to what was recorded; only `recv_ts` is re-based to our clock at delivery.
"""
