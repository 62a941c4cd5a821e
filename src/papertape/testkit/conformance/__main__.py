"""The conformance suite as a command: `python -m papertape.testkit.conformance server http://127.0.0.1:8420`."""

from __future__ import annotations

from papertape.testkit.conformance.command import main

if __name__ == "__main__":
    main()
