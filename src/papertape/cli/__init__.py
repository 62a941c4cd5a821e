"""The commands a trader types.

In: arguments, environment, a config file. Out: sentences, tables, JSON. Never: domain decisions.
"""
