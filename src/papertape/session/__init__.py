"""Source × pace × lifecycle of one engine: starting, pre-flight, liveness, recovery, replay and backtest.

In: commands, market sources, definitions. Out: durable facts and latest views, handed to an outlet.
Never: HTTP, SQL, a venue's protocol.
"""
