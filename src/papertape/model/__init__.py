"""The domain's immutable values: instruments, market events, commands, facts, views and their tables.

In: nothing but `errors`. Out: frozen structs and the one declaration of every stored record.
Never: I/O, clocks, randomness, behaviour beyond conversion of a value.
"""
