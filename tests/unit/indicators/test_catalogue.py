"""The catalogue: what there is, and how wrong parameters are refused."""

from __future__ import annotations

import pkgutil

import pytest

from papertape.errors import Invalid
from papertape.indicators import kinds
from papertape.indicators.catalogue import CATALOGUE, canonical_params, make_indicator


def test_every_module_of_kinds_is_in_the_catalogue_and_no_name_stands_twice() -> None:
    modules = [module.name for module in pkgutil.iter_modules(kinds.__path__)]

    assert len(kinds.KINDS) >= len(modules)
    assert list(CATALOGUE) == sorted(kind.name for kind in kinds.KINDS)


def test_every_default_is_within_its_limits_and_makes_a_cold_indicator_with_a_reason() -> None:
    for name in CATALOGUE:
        indicator = make_indicator(name, {})
        warmup = indicator.warmup(0)
        value = indicator.value(0)
        assert value is None or value != value
        assert indicator.reason(0)
        assert (warmup.have, warmup.need > 0) == (0.0, True)


def test_every_kind_says_what_it_means() -> None:
    for kind in CATALOGUE.values():
        assert all((kind.meaning, kind.formula, kind.source, kind.unit, kind.inputs))
        assert all((param.meaning, param.unit) for param in kind.params)


def test_canonical_parameters_are_complete_sorted_and_floats() -> None:
    assert canonical_params("rsi", {}) == (("interval", 60.0), ("period", 14.0))
    assert canonical_params("rsi", {"period": 14, "interval": 60}) == canonical_params("rsi", {})
    assert canonical_params("spread_pct", {}) == ()


@pytest.mark.parametrize(
    ("kind", "params", "code", "path", "words"),
    [
        ("rsy", {}, "indicator.unknown_kind", "kind", "There is no indicator kind 'rsy'; choose one of "),
        ("rsi", {"length": 3}, "indicator.unknown_param", "length", "its parameters are: period, interval."),
        ("spread_pct", {"t1": 3}, "indicator.unknown_param", "t1", "its parameters are: none."),
        ("rsi", {"period": 0}, "indicator.param_out_of_range", "period", "a whole number from 1 to 10000 bars"),
        ("rsi", {"period": 2.5}, "indicator.param_out_of_range", "period", "is 2.5 bars; expected a whole number"),
        ("vwap", {"t1": float("nan")}, "indicator.param_out_of_range", "t1", "is nan; expected a number from 0.001"),
        ("vwap", {"t1": True}, "indicator.param_out_of_range", "t1", "is True; expected a number"),
        ("vwap", {"t1": 1e9}, "indicator.param_out_of_range", "t1", "to 86400 s"),
        ("vwap", {"t1": 30, "t2": 30}, "indicator.window_order", "t1", "t1 must be greater than t2"),
    ],
)
def test_wrong_parameters_are_refused_with_the_place_and_the_remedy(
    kind: str, params: dict[str, float], code: str, path: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        make_indicator(kind, params)

    assert (refused.value.code, refused.value.path) == (code, path)
    assert words in refused.value.message


def test_text_in_place_of_a_number_is_refused() -> None:
    with pytest.raises(Invalid, match="t1 of vwap is '60'; expected a number"):
        make_indicator("vwap", {"t1": "60"})  # type: ignore[dict-item]  # a definition file may hold text
