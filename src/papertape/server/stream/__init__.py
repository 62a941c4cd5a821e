"""The three carriers of the stream: WebSocket, Server-Sent Events, long polling. Same messages, same cursors.

In: an ASGI scope that the guard let through. Out: frames of a subscriber. Never: a decision of the protocol.
"""
