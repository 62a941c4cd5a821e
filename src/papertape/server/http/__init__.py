"""The HTTP API: lists, commands, the strategy library and the desk's own state.

In: requests the guard let through. Out: JSON bodies of `wire.http` and the model's records. Never: SQL, a decision.
"""
