"""The stream protocol's conformance suite: named cases that any server, and scripts that any client, can be held to.

In: the address of a server, or the command that starts a client. Out: a verdict for each case, with the rule it stands
for and the place of the rule in `docs/reference/stream.md`. Never: knowledge of an implementation's insides.

    python -m papertape.testkit.conformance server http://127.0.0.1:8420 [--session ID] [--only NAME] [--json]
"""
