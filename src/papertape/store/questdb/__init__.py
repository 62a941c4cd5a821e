"""The QuestDB driver: a mirror of the journal, and what is read from it."""
