"""One pure step over a batch: entries in, facts out; and the views of what every instance is thinking.

In: batches of journalled entries in the order of their seq. Out: facts numbered without holes; views on request.
Never: clocks, I/O, randomness; a result that depends on how entries were split into batches.
"""
