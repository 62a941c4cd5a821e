"""Writes the table of close codes into the stream's reference page.

Run `python -m papertape.wire.reference` after any change of `wire/close.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from papertape.wire.close import CLOSE_CODES

REFERENCE_FILE = "docs/reference/stream.md"
_BEGIN = "<!-- close codes: written by `python -m papertape.wire.reference` -->\n"
_END = "<!-- end of close codes -->\n"
_WORDS = {"stop": "stop", "back_off": "back off", "at_once": "come back at once"}


def close_codes_table() -> str:
    """Return the declared close codes as Markdown."""
    head = "| code | name | the client | meaning |\n|---|---|---|---|\n"
    rows = (
        f"| {code} | `{declared.name}` | {_WORDS[declared.reaction]} | {declared.meaning} |\n"
        for code, declared in CLOSE_CODES.items()
    )
    return head + "".join(rows)


def with_close_codes(page: str) -> str:
    """Return the page with the table between its marks written anew."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{close_codes_table()}{_END}{after}"


def main(root: Path | None = None) -> None:
    """Write the table into the page below `root`, by default the repository this module runs from."""
    path = (root or Path(__file__).resolve().parents[3]) / REFERENCE_FILE
    path.write_text(with_close_codes(path.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {REFERENCE_FILE}\n")


if __name__ == "__main__":
    main()
