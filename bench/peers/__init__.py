"""The engine beside its peers: one seeded market, one load, a runner for each, and an exact reference of fill rules.

What stands here runs in every environment: only the runners import what their environment has.
"""
