"""Cases for a server of the stream.

In: its address. Out: verdicts. Never: a command that changes anything but the server's own records of connections.
"""
