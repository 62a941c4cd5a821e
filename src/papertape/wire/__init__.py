"""The messages that cross the process border and their schema.

In: model structs. Out: stream messages, request and answer bodies, JSON Schema. Never: behaviour, I/O.
"""
