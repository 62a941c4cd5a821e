"""Sealed tape: old batches of a session in Parquet files, listed in a manifest, read together with the journal's tail.

In: durable batches of the journal's tape. Out: the same batches, and frames of their trades and quotes for research.
Never: a batch removed from the journal before its file is on the disk and was read back equal; a damaged file mended.
"""
