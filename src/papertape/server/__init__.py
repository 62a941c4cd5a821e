"""HTTP, the stream hub and the built web UI.

In: requests and stream frames of untrusted clients, facts and views of a desk. Out: JSON, publications, metrics.
Never: a decision about a session, a write to the store, a value that the desk did not compute.
"""
