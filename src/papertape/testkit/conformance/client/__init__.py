"""Scripts for a client of the stream: a server that does what a script says, and judges what the client does.

In: a client, started with an address and topics. Out: verdicts. Never: knowledge of the client's insides.
"""
