"""The QuestDB driver: a copy of the journal, and what is read from it.

In: rows of the journal in the order of commits, questions about ended sessions. Out: acknowledged watermarks, records,
how the server is doing.
Never: the truth of a session, a table that the server makes by itself, a password in a sentence.
"""
