from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.seasons import SEASONS, coming_seasons, is_coming

BY_NAME = {season.name: season for season in SEASONS}


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 8, 17), False), (date(2026, 8, 18), True), (date(2026, 12, 26), True), (date(2026, 12, 27), False),
    ],
)  # fmt: skip
def test_christmas_is_promoted_four_weeks_before_it_sells(today: date, expected: bool) -> None:
    assert is_coming(BY_NAME["Christmas"], today, 28) is expected


@pytest.mark.parametrize(
    ("today", "expected"), [(date(2026, 12, 31), True), (date(2027, 2, 15), True), (date(2027, 2, 16), False)]
)
def test_winter_spans_new_year(today: date, expected: bool) -> None:
    assert is_coming(BY_NAME["winter"], today, 28) is expected


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60))
def test_a_season_comes_if_it_sells_on_a_day_ahead(today: date, lead: int) -> None:
    def sells(season: int, day: date) -> bool:
        first, last, at = SEASONS[season].starts, SEASONS[season].ends, (day.month, day.day)
        return first <= at <= last if first <= last else at >= first or at <= last

    found = coming_seasons(today, lead)

    days = [today + timedelta(days=ahead) for ahead in range(lead + 1)]
    assert found == tuple(place for place in range(len(SEASONS)) if any(sells(place, day) for day in days))
