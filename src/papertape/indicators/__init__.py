"""Market events become numbers: incremental, O(1) amortised per event, `None` until warm, and always with a reason.

In: trades, quotes and venue bars of one instrument, in order. Out: the value of an indicator as of a time, its warm-up,
why it has no value, and bars of any interval.
Never: clocks, I/O, NaN or infinity; a value that depends on how often it was read.
"""
