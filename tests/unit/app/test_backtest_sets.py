"""Parameter sets put every value with every other into the definitions, and refuse what fits nowhere."""

from __future__ import annotations

import pytest

from papertape.app.backtest_sets import make_sets
from papertape.errors import Invalid
from papertape.strategy.parse import parse_definition, version_of

TEXT = """
name: {name}
indicators: {{fast: {{kind: ema, params: {{period: 20}}}}, slow: {{kind: ema}}}}
sections:
  S1:
    conditions:
      - {{indicator: fast, op: crosses_above, other: slow}}
      - {{indicator: slow, op: between, threshold: [1, 9]}}
  Z1: {{order: {{side: long, size: {{quote: 100}}, stop_loss_pct: 1}}}}
"""
ONE, OTHER = (version_of(parse_definition(TEXT.format(name=name))) for name in ("one", "other"))


def refusal(*texts: str) -> Invalid:
    with pytest.raises(Invalid) as refused:
        make_sets([ONE, OTHER], texts)
    return refused.value


def test_without_values_the_definitions_stay_as_they_are() -> None:
    (only,) = make_sets([ONE, OTHER], [])
    assert (only.name, only.values, only.strategies) == ("", {}, (ONE, OTHER))


def test_every_value_meets_every_other_and_the_last_path_changes_fastest() -> None:
    sets = make_sets(
        [ONE], ["indicators.fast.params.period=10,20", "sections.S1.conditions[1].threshold=[1, 2],[3, 4]"]
    )
    periods = [each.strategies[0].definition["indicators"]["fast"]["params"]["period"] for each in sets]
    thresholds = [each.strategies[0].definition["sections"]["S1"]["conditions"][1]["threshold"] for each in sets]
    assert (periods, thresholds) == ([10, 10, 20, 20], [[1, 2], [3, 4], [1, 2], [3, 4]])
    assert sets[1].name == "indicators.fast.params.period=10, sections.S1.conditions[1].threshold=[3,4]"
    assert len({each.strategies[0].sha256 for each in sets}) == 4


def test_a_place_that_a_definition_leaves_out_is_made() -> None:
    (only,) = make_sets([ONE], ["cooldown.after_exit=5s"])
    assert only.strategies[0].definition["cooldown"] == {"after_exit": "5s"}


def test_a_path_with_a_name_is_of_that_strategy_alone() -> None:
    (only,) = make_sets([ONE, OTHER], ["other:indicators.slow.params.period=99"])
    assert only.strategies[0] == ONE
    assert only.strategies[1].definition["indicators"]["slow"]["params"] == {"period": 99}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["period"], "'period' sets nothing; expected PATH=VALUE"),
        (["=5"], "'=5' sets nothing"),
        (["a b=5"], "'a b=5' sets nothing"),
        (["indicators.fast.params.period="], "sets nothing"),
        (["none:title=x"], "--set none:title is of no strategy that runs; those are one, other"),
        (["indicators.fast.params.period=[1"], "cannot be read"),
        (["title=a,a"], "has the same value twice"),
        (["title=a", "title=b"], "--set title is given twice"),
        (["sections.S1.conditions[7].threshold=1"], "leads nowhere in the strategy 'one'"),
        (["indicators.fast.params.period=-3"], "With indicators.fast.params.period=-3 the strategy 'one' is wrong."),
        (["indicators.none.params.period=3"], "the strategy 'one' is wrong."),
        (
            [f"title={','.join(map(str, range(200)))}", f"description={','.join(map(str, range(60)))}"],
            "12,000 parameter",
        ),
    ],
)
def test_what_fits_nowhere_is_refused_with_a_sentence(texts: list[str], said: str) -> None:
    assert said in refusal(*texts).message
