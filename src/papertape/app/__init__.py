"""The composition root: builds a desk from settings and serves it.

In: settings. Out: a running desk, and what the commands find in or do to a data folder. Never: domain decisions.
"""
