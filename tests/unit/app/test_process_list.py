from __future__ import annotations

import subprocess
import sys

import pytest

from papertape.app.process_list import hide_password

_SHOWN = """
import sys
from pathlib import Path
from papertape.app.process_list import hide_password
hide_password(sys.argv[2])
sys.stdout.write(Path("/proc/self/cmdline").read_bytes().replace(b"\\0", b" ").decode())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the list of processes is rewritten on Linux only")
def test_the_password_is_blanked_in_the_list_of_processes_and_nothing_else_is() -> None:
    address = "questdb://s3cret:s3cret%40x@db:9000"
    arguments = [sys.executable, "-c", _SHOWN, "--store", address, "s3cret"]
    shown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert shown.endswith(" --store questdb://s3cret:**********@db:9000 s3cret ")


@pytest.mark.parametrize("text", ["sqlite", "questdb", "questdb://db:9000", "questdb://[", "questdb://ada:pw@[x"])
def test_what_holds_no_password_of_this_process_is_left_alone(text: str) -> None:
    hide_password(text)
