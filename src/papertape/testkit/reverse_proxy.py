"""nginx and Caddy as child processes, on the configurations of the deployment guide and free ports of loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

NAME = "localhost"  # instead of desk.example, so that it is found without a name server
USER, PASSWORD = "trader", "papertape-test"  # of a proxy that lives as long as a test, on 127.0.0.1

_START_S = 20.0


class ReverseProxy(msgspec.Struct, frozen=True, kw_only=True):
    """A running proxy: where it listens, and what trusts its certificate."""

    port: int
    trust: ssl.SSLContext

    @property
    def host(self) -> str:
        """Return the name and port a browser would name."""
        return f"{NAME}:{self.port}"


def snippet(guide: str, language: str) -> str:
    """Return the one configuration in that language of a guide's text."""
    (found,) = re.findall(rf"```{language}\n(.+?)```", guide, re.DOTALL)
    return str(found)


@contextlib.contextmanager
def nginx(configuration: str, folder: Path, port: int, desk_port: int, extra: str = "") -> Iterator[ReverseProxy]:
    """Run nginx on the guide's configuration; `extra` are lines added to its server."""
    pem, key, trust = _certificate(folder)
    passwords = folder / "passwords"
    hashed = _output("openssl", "passwd", "-6", PASSWORD)
    passwords.write_text(f"{USER}:{hashed}\n")
    server = _replaced(
        configuration,
        {
            "server_name desk.example;": f"server_name {NAME};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;\n    {extra}",
            "127.0.0.1:8420": f"127.0.0.1:{desk_port}",
            "/etc/ssl/desk.example.pem": str(pem),
            "/etc/ssl/desk.example.key": str(key),
            "/etc/nginx/papertape.htpasswd": str(passwords),
        },
    )
    scratch = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = f"{user}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{scratch}{server}}}\n"
    path = folder / "nginx.conf"
    path.write_text(whole)
    with _running(folder, port, "nginx", "-c", str(path), "-e", "stderr"):
        yield ReverseProxy(port=port, trust=trust)


@contextlib.contextmanager
def caddy(configuration: str, folder: Path, port: int, desk_port: int) -> Iterator[ReverseProxy]:
    """Run Caddy on the guide's configuration, with a certificate of our own instead of one fetched."""
    pem, key, trust = _certificate(folder)
    hashed = _output("caddy", "hash-password", "--plaintext", PASSWORD)
    site = _replaced(
        configuration,
        {
            "desk.example {": f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {pem} {key}",
            "127.0.0.1:8420": f"127.0.0.1:{desk_port}",
            "PASSWORD_HASH": hashed,
        },
    )
    path = folder / "Caddyfile"
    path.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    with _running(folder, port, "caddy", "run", "--config", str(path), "--adapter", "caddyfile"):
        yield ReverseProxy(port=port, trust=trust)


def _replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        if old not in text:
            raise AssertionError(f"the guide's configuration has no {old!r} to replace")
        text = text.replace(old, new)
    return text


def _certificate(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    pem, key = folder / "desk.pem", folder / "desk.key"
    _output(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(pem),
    )  # fmt: skip
    return pem, key, ssl.create_default_context(cafile=str(pem))


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def _running(folder: Path, port: int, program: str, *arguments: str) -> Iterator[None]:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin") or program
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    log = folder / f"{program}.log"
    with log.open("wb") as said:
        child = subprocess.Popen(
            (path, *arguments), env={**os.environ, **home}, stdout=said, stderr=subprocess.STDOUT, cwd=folder
        )
        try:
            _await_port(child, port, log)
            yield
        finally:
            child.terminate()
            child.wait(timeout=20)


def _await_port(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"the proxy did not listen on port {port}; it said:\n{log.read_text()}")
