"""What a strategy is: a definition (data), its conditions, its state machine, and what it asks of the venue.

In: definitions as YAML or JSON, indicator values, order facts. Out: answers with their distance, transitions with their
trace, order intents with their size, typed reasons why a signal became no order.
Never: code in a definition, clocks, I/O beyond reading the shipped built-ins, orders placed here.
"""
