"""`python -m papertape.testkit.references > docs/reference/indicators-compared.md`: print the page of comparisons."""

from __future__ import annotations

import sys

from papertape.testkit.references.page import page
from papertape.testkit.references.sources import SOURCES
from papertape.testkit.shared_data import find_shared_data


def main() -> int:
    """Print the page and return 0, or say which data is missing and return 1."""
    missing = [source for source in SOURCES if find_shared_data(source) is None]
    if missing:
        sys.stderr.write(f"The reference data {', '.join(missing)} is not beside this checkout.\n")
        return 1
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
