"""Builders, fakes, contract suites, an exchange server that plays recorded frames, and seeded faults.

In: any package but `app` and `cli`. Out: what tests need to speak in sentences. Never: shipped behaviour.
"""
