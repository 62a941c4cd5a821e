"""The Python client of a desk's stream, for scripts and tests.

In: the address of a desk, topics. Out: every publication once and in order, whatever happens to the connection.
Never: a command, a decision, a value the desk did not publish.

`connection.py` and what it is made of know neither a socket nor a clock: moments, frames and ends of carriers go in,
actions and updates come out. `stream_client.py`, `carriers.py` and `inbox.py` are the shell around it.
"""
