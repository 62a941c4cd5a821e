"""A definition is read strictly, and a mistake is named by its place and its remedy."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from papertape.errors import Invalid
from papertape.strategy.library import builtin_names, builtin_text
from papertape.strategy.parse import check_definition, definition_sha256, parse_definition, to_plain
from papertape.strategy.schema import definition_schema

Plain = dict[str, Any]  # a definition before it is checked: anything can be in it


def _plain() -> Plain:
    return {
        "name": "dip-buyer",
        "indicators": {"rise": {"kind": "pump_magnitude_pct", "params": {"t1": 60}}, "spread": {"kind": "spread_pct"}},
        "sections": {
            "S1": {"conditions": [{"indicator": "rise", "op": ">=", "threshold": 2}]},
            "Z1": {"order": {"side": "long", "size": {"quote": 500}, "stop_loss_pct": 1}},
        },
    }


def _condition(plain: Plain) -> Plain:
    found: Plain = plain["sections"]["S1"]["conditions"][0]
    return found


def _order(plain: Plain) -> Plain:
    found: Plain = plain["sections"]["Z1"]["order"]
    return found


def _refusal(plain: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        check_definition(plain)
    return caught.value


CONDITION = "sections.S1.conditions[0]"


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        (
            {"threshold": "abc"},
            f"{CONDITION}.threshold",
            'expected a number, found "abc"; write it without quotes, e.g. 2.5',
        ),
        (
            {"op": "crosses"},
            f"{CONDITION}.op",
            "expected one of <, <=, >, >=, between, crosses_above, crosses_below, outside, "
            'found "crosses"; did you mean "crosses_below"?',
        ),
        ({"treshold": 3}, f"{CONDITION}.treshold", 'unknown field "treshold"; did you mean "threshold"?'),
        ({"for": 30}, f"{CONDITION}.for", "expected text, found 30; a duration needs a unit, e.g. 30s"),
        (
            {"within": "30 parsecs"},
            f"{CONDITION}.within",
            'expected a duration, found "30 parsecs"; write a number and a unit, e.g. 30s',
        ),
        ({"for": "9d"}, f"{CONDITION}.for", "expected at most 7d, found 9d; choose a shorter duration"),
        ({"indicator": "ries"}, f"{CONDITION}.indicator", 'unknown indicator "ries"; did you mean "rise"?'),
        (
            {"other": "spred", "threshold": None},
            f"{CONDITION}.other",
            'unknown indicator "spred"; did you mean "spread"?',
        ),
        ({"threshold": [1, 2]}, f"{CONDITION}.threshold", ">= needs one number, found two; write e.g. 2.5"),
        (
            {"op": "between"},
            f"{CONDITION}.threshold",
            "between needs two numbers; write [low, high], e.g. [30, 70]",
        ),
        (
            {"op": "between", "threshold": [70, 30]},
            f"{CONDITION}.threshold",
            "low 70 is not below high 30; swap them",
        ),
        (
            {"threshold": None},
            f"{CONDITION}.threshold",
            "expected either a threshold (a number) or `other` (an alias); write exactly one",
        ),
        ({"threshold": float("nan")}, f"{CONDITION}.threshold", "expected a finite number; write e.g. 2.5"),
        ({"op": None}, f"{CONDITION}.op", 'the operator is missing; add e.g. `op: ">="`'),
        ({"any": []}, CONDITION, "a group holds exactly one of all, any, none and nothing else; split it"),
    ],
)
def test_a_wrong_condition_is_named_by_its_path_with_a_remedy(change: Plain, path: str, problem: str) -> None:
    plain = _plain()
    _condition(plain).update(change)
    refusal = _refusal(plain)
    assert (refusal.path, refusal.message) == (path, f"{path}: {problem}")


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({"side": "shrt"}, "side", 'expected one of long, short, found "shrt"; did you mean "short"?'),
        ({"leverage": 500}, "leverage", "expected a number of at most 125, found 500; choose a value within the limit"),
        ({"size": {}}, "size", "expected exactly one of quote, equity_pct, risk_pct, found 0; keep one"),
        (
            {"size": {"risk_pct": 1}, "stop_loss_pct": None},
            "size.risk_pct",
            "risk per trade is measured to the stop; add stop_loss_pct to the order",
        ),
        ({"type": "limit"}, "limit", "a limit order needs limit; correct it"),
        ({"limit": {}}, "limit", "a market order takes no limit; correct it"),
        ({"size": {"quote": "500"}}, "size.quote", 'expected a number, found "500"; write it without quotes, e.g. 2.5'),
    ],
)
def test_a_wrong_order_is_named_by_its_path_with_a_remedy(change: Plain, path: str, problem: str) -> None:
    plain = _plain()
    _order(plain).update(change)
    refusal = _refusal(plain)
    assert (refusal.path, refusal.message) == (
        f"sections.Z1.order.{path}",
        f"sections.Z1.order.{path}: {problem}",
    )


@pytest.mark.parametrize(
    ("alias", "use", "message"),
    [
        ("rsi", {"kind": "rsy"}, 'indicators.rsi.kind: unknown indicator kind "rsy"; did you mean "rsi"?'),
        ("rsi", {"kin": "rsi"}, 'indicators.rsi.kin: unknown field "kin"; did you mean "kind"?'),
        (
            "rsi",
            {"kind": "rsi", "params": {"period": "14"}},
            'indicators.rsi.params.period: expected a number, found "14"; write it without quotes, e.g. 2.5',
        ),
        (
            "rsi",
            {"kind": "rsi", "params": {"period": 0}},
            "indicators.rsi.params.period: period of rsi is 0 bars; expected a whole number from 1 to 10000 bars "
            "(number of bars; 14 by default).",
        ),
        (
            "My RSI",
            {"kind": "rsi"},
            "indicators.My RSI: expected a name of lower-case letters, digits and _ that starts with a letter, "
            'found "My RSI"; rename it, e.g. price_rise',
        ),
        (
            "position_age_s",
            {"kind": "rsi"},
            'indicators.position_age_s: "position_age_s" is a value every strategy already has; choose another alias',
        ),
    ],
)
def test_a_wrong_indicator_is_named_by_its_path_with_a_remedy(alias: str, use: Plain, message: str) -> None:
    plain = _plain()
    plain["indicators"][alias] = use
    assert _refusal(plain).message == message


def test_a_position_that_could_never_be_closed_at_a_loss_is_refused() -> None:
    plain = _plain()
    del _order(plain)["stop_loss_pct"]
    assert _refusal(plain).path == "sections"


def test_a_short_on_spot_is_refused_when_the_definition_says_spot() -> None:
    plain = _plain() | {"instruments": "spot"}
    _order(plain)["side"] = "short"
    refusal = _refusal(plain)
    assert (refusal.code, refusal.path) == ("venue.short_not_allowed", "sections.Z1.order.side")


def test_a_section_without_conditions_is_refused_but_z1_may_enter_at_once() -> None:
    plain = _plain()
    assert check_definition(plain).sections.Z1.conditions == ()
    plain["sections"]["ZE1"] = {"name": "profit"}
    assert _refusal(plain).path == "sections.ZE1.conditions"


def test_groups_nested_too_deeply_are_refused() -> None:
    plain = _plain()
    inner = _condition(plain)
    for _ in range(9):
        inner = {"all": [inner]}
    plain["sections"]["S1"]["conditions"] = [inner]
    assert "levels" in _refusal(plain).message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "YAML: line 1"),
        ("x: &a 1\ny: *a", "anchors and aliases are not supported"),
        ("a: 1\na: 2", "'a' is written twice"),
        ("a: {op: >=}", 'an operator such as > must be written in quotes: ">"'),
        ('{"name":', "JSON"),
        (b"\xff", "UTF-8"),
        ("", "A definition is a mapping"),
        ("x" * 300_000, "the limit is"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_text_that_is_no_definition_is_refused_with_the_place(text: str | bytes, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_definition(text)
    assert words in caught.value.message


def test_yaml_and_json_of_the_same_definition_are_the_same_and_hash_the_same() -> None:
    definition = parse_definition(builtin_text("pump-peak-short"))
    again = parse_definition(msgspec.json.encode(to_plain(definition)))
    assert (again, definition_sha256(again)) == (definition, definition_sha256(definition))


def test_the_hash_ignores_the_order_of_keys_and_sees_a_changed_threshold() -> None:
    plain = _plain()
    turned = dict(reversed(plain.items()))
    changed = _plain()
    _condition(changed)["threshold"] = 2.1
    hashes = [definition_sha256(check_definition(one)) for one in (plain, turned, changed)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_plain_values_keep_the_order_in_which_indicators_were_written() -> None:
    definition = parse_definition(builtin_text("pump-peak-short"))
    assert list(to_plain(definition)["indicators"]) == list(definition.indicators) != sorted(definition.indicators)


def test_the_published_schema_names_every_section_and_indicator_kind() -> None:
    schema = definition_schema()
    assert list(schema["$defs"]["Sections"]["properties"]) == ["S1", "Z1", "O1", "ZE1", "E1"]
    assert "price_velocity" in schema["$defs"]["IndicatorUse"]["properties"]["kind"]["enum"]


@pytest.mark.parametrize("name", builtin_names())
def test_every_builtin_is_valid_named_as_its_file_and_described(name: str) -> None:
    definition = parse_definition(builtin_text(name))
    assert definition.name == name
    assert definition.description
    assert all(use.name for use in definition.indicators.values())
