"""Takes a password out of the arguments this process shows in the system's list of processes."""

from __future__ import annotations

import ctypes
from pathlib import Path
from urllib.parse import urlsplit

_ARGUMENTS = Path("/proc/self/cmdline")
_STATUS = Path("/proc/self/stat")
_ARG_START = 48 - 3  # proc(5): field 48 is arg_start; the fields after the name begin with the third


def hide_password(address: str) -> None:
    """Blank the password of an address among this process's arguments; elsewhere than on Linux do nothing.

    Between the start and this call it is seen: an environment variable or a config file is the better place.
    """
    password = _password(address)
    if not password or not _ARGUMENTS.exists():
        return
    secret = password.encode()
    places = _places(_ARGUMENTS.read_bytes(), address.encode(), secret)
    start = int(_STATUS.read_text(encoding="utf-8").rpartition(")")[2].split()[_ARG_START])
    for place in places:
        ctypes.memset(start + place, ord("*"), len(secret))


def _password(address: str) -> str:
    try:
        return urlsplit(address).netloc.rpartition("@")[0].partition(":")[2]
    except ValueError:  # no address at all: it is refused with a sentence elsewhere
        return address.rpartition("@")[0].partition("://")[2].partition(":")[2]


def _places(arguments: bytes, address: bytes, secret: bytes) -> list[int]:
    offset = address.index(b":" + secret + b"@") + 1
    places: list[int] = []
    found = arguments.find(address)
    while found >= 0:
        places.append(found + offset)
        found = arguments.find(address, found + 1)
    return places
