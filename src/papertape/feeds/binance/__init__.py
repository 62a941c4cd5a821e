"""Binance spot and USD-M perpetuals: public streams and public REST.

In: WebSocket frames and REST answers of the venue. Out: market events, instruments, history, the connection's state.
Never: account data, keys, orders. `connection`, `route`, `venue_rest` and `client` do I/O; the rest is pure.
"""
