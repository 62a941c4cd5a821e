"""Gives each entry its `seq` in one durable order, and declares the ports to append and to read.

In: entries from feeds, commands and notes. Out: batches with seqs, commits handed to an appender.
Never: a database, a thread, a clock.
"""
