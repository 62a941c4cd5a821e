"""Stress scenarios for the stream, replayable by seed: what must hold whatever happens to connections and server.

In: scenarios as values, a seed, seconds. Out: for each what was done, what was seen and what did not hold.
Never: a part of the server or the client in place of the real one; a target that is measured in milliseconds.
"""
