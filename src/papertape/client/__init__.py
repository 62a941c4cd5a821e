"""The Python client of a desk's stream, for scripts and tests.

In: the address of a desk, topics. Out: every publication once and in order, whatever happens to the connection.
Never: a command, a decision, a value the desk did not publish.
"""
