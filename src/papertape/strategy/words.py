"""Numbers and operators as a trader reads them."""

from __future__ import annotations

import math

from papertape.model.instrument import Instrument

_OPERATOR_WORDS = {
    ">": "more than",
    ">=": "at least",
    "<": "less than",
    "<=": "at most",
    "between": "between",
    "outside": "outside",
    "crosses_above": "to cross above",
    "crosses_below": "to cross below",
}


def number_text(number: float, unit: str = "") -> str:
    """Return a number with four significant digits, no exponent, and its unit: `0.4217 %`, `61,800.2`."""
    if number == 0.0:
        text = "0"
    else:
        digits = min(12, max(0, 3 - math.floor(math.log10(abs(number)))))
        text = f"{number:,.{max(digits, 2 if abs(number) >= 1000 else 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}".rstrip()


def needs_text(operator: str, threshold: str) -> str:
    """Return what a condition asks for: `at least 2 %`, `between 30 and 70`."""
    return f"{_OPERATOR_WORDS[operator]} {threshold}"


def capitalised(sentence: str) -> str:
    """Return a sentence that begins with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def unit_text(unit: str, instrument: Instrument) -> str:
    """Return an indicator's unit on one instrument: its currency, `×` for a ratio of rates, or nothing."""
    named = {"quote": instrument.quote, "base": instrument.base, "x": "×", "ratio": "", "index": ""}
    return named.get(unit, unit)
