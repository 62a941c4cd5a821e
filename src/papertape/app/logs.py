"""Where log lines go: everything as JSON to the data folder's file, warnings as sentences to the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

_FOR_THE_FILE = ("stack", "exception")
_TERMINAL_LEVELS = frozenset({"warning", "error", "critical"})


class _TwoSinks:
    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._as_json = structlog.processors.JSONRenderer()
        self._as_text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        self._file.write(str(self._as_json(logger, method, dict(event))) + "\n")
        self._file.flush()
        if event.get("level") not in _TERMINAL_LEVELS:
            raise structlog.DropEvent
        for long in _FOR_THE_FILE:
            event.pop(long, None)
        return str(self._as_text(logger, method, event))


def open_log(path: Path) -> None:
    """Send every log line to `path` as JSON, and our warnings and errors to standard error as text."""
    file = path.open("a", encoding="utf-8")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _TwoSinks(file),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(file)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processor=structlog.processors.JSONRenderer(),
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.INFO, force=True)
