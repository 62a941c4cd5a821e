"""Writes what a trader must know into the log."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.fact_log import ALERT, FactLog


def write_alert(log: FactLog, code: str, severity: str, message: str, stage: str, instrument: str) -> None:
    """Write the row of an alert; `instrument` is empty where it concerns none."""
    log.open(ALERT)
    log.put_text(instrument)
    log.put_text(code)
    log.put_text(severity)
    log.put_text(message)
    log.put_text(stage)
