"""The stream protocol's conformance suite: named cases that any server, and scripts that any client, can be held to.

In: the address of a server, or the command that starts a client. Out: a verdict for each case, with the rule it stands
for and the place of the rule in `docs/reference/stream.md`. Never: knowledge of an implementation's insides.

    python -m papertape.testkit.conformance server http://127.0.0.1:8420 [--session ID] [--only NAME] [--json]
    python -m papertape.testkit.conformance client [--scale 0.05] [--only NAME] [--json] -- COMMAND [ARGUMENT …]

**A client under test** is started once for each script as `COMMAND… URL SCALE TOPIC…` and runs until it is ended. `URL`
is the scripted server, such as http://127.0.0.1:41234; its stream is at /api/stream, /api/stream/sse, /api/stream/poll.
The client follows the topics and multiplies every time it keeps by `SCALE` (deadlines, verdicts, backoff, probes; also
`dead_s` and `retry_ms` where it can). It prints one line of JSON for each thing it delivers:

    {"kind": "snapshot", "topic": …, "epoch": …, "seq": …}     once, when the last page is there
    {"kind": "pub", "topic": …, "epoch": …, "seq": …}          once a publication that is new
    {"kind": "err", "topic": …, "code": …}                     an error the user is told
    {"kind": "stopped", "code": …}                             it will not come back by itself

**A client in a browser**: with `--bundle PATH` the scripted server also answers /client.html, a page that loads
/client.js (the file at PATH, a module), and `URL` is that page with `?scale=…&topic=…&topic=…`. COMMAND opens it, for
example in Chromium, until it is ended. The page follows the topics on its own origin and sends the lines above, one a
request, as bodies of POST /report, in order.
In Python, `client.suite.check_client(start, …)` takes any starter, such as one that opens pages in one browser.
"""
