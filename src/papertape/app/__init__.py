"""The composition root: builds a desk from settings and serves it.

In: settings. Out: a running desk. Never: domain decisions.
"""
