"""Numbers and times out of text."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.rejects import Faults
from pipeline.ingest.values import NO_TIME, numbers, times


def read(*values: object) -> list[float]:
    return numbers(pa.array(values)).values.tolist()


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.95", 1.95), (" 3 ", 3), ("+2", 2), (".5", 0.5), ("1e3", 1000), ("1,234.50", 1234.5), ("1.234,50", 1234.5)],
)
def test_a_number_is_read(text: str, number: float) -> None:
    assert read(text) == [number]


@pytest.mark.parametrize("text", ["x", "nan", "inf", "1e400", "-1", "1 2", "0x10", "1,2,3", "99999999999", "--1"])
def test_what_is_no_number_in_range_is_bad(text: str) -> None:
    found = numbers(pa.array([text]))

    assert np.isnan(found.values).all()
    assert found.fault[0] > 0


def test_nothing_is_empty_and_not_bad() -> None:
    faults = Faults("f.csv", np.array([2]))

    numbers(pa.array([""])).reject(faults, "bad_price", "price", may_be_empty=True)

    assert faults.alive.all()


def test_a_comma_is_decimal_where_it_can_be_nothing_else() -> None:
    assert read("1,95", "2,500", "3") == [1.95, 2.5, 3]


def test_a_comma_before_three_digits_alone_could_be_either() -> None:
    assert np.isnan(read("2,500", "3")[0])


def test_a_column_with_decimal_points_has_no_decimal_commas() -> None:
    assert np.isnan(read("1,95", "2.50")[0])


def test_columns_of_numbers_are_taken_as_they_are() -> None:
    found = numbers(pa.array([1.5, None, float("nan"), float("inf"), -1.0]))

    assert found.values[0] == 1.5
    assert np.isnan(found.values[1:]).all()


def test_a_fraction_is_not_whole() -> None:
    assert numbers(pa.array(["2", "2.0", "2.5"]), whole=True).fault.astype(bool).tolist() == [False, False, True]


@given(st.decimals(0, 10**8, places=2))
def test_decimals_come_back_exactly(number: object) -> None:
    assert read(str(number)) == [float(str(number))]


def test_a_reason_says_how_long_the_value_was_and_not_what_it_was() -> None:
    faults = Faults("f.csv", np.array([7]))

    numbers(pa.array(["Jane Doe"])).reject(faults, "bad_quantity", "quantity")

    assert faults.sorted()[0].reason == "not a number (8 characters)"


moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31))
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moments, zones, st.sampled_from(["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]))
def test_a_time_is_what_the_clock_on_the_wall_showed(moment: datetime, zone: timezone, form: str) -> None:
    written = moment.replace(tzinfo=zone).strftime(form)

    minute = times(pa.array([written])).minute[0]

    assert minute == int((moment.replace(second=0, microsecond=0) - datetime(1970, 1, 1)).total_seconds() // 60)


@pytest.mark.parametrize(
    "text", ["2010-12-01 13:04:00", "2010-12-01T13:04Z", "2010/12/01 13:04 UTC", "2010-12-01 13:04:59.5+02:00"]
)
def test_common_spellings_of_one_minute_agree(text: str) -> None:
    assert times(pa.array([text])).minute[0] == times(pa.array(["2010-12-01 13:04"])).minute[0]


@pytest.mark.parametrize(
    "text",
    ["2010-02-30", "2010-13-01", "2010-12-01 25:00", "01/12/2010", "yesterday", "1969-12-31", "2010-12-01 13:04 +2"],
)
def test_what_is_no_time_is_bad(text: str) -> None:
    found = times(pa.array([text]))

    assert found.is_bad.all()
    assert (found.minute == NO_TIME).all()


def test_an_arrow_time_with_a_zone_shows_that_zones_clock() -> None:
    column = pa.array([datetime(2026, 1, 1, 23, 30)], pa.timestamp("us", "+02:00"))

    assert times(column).minute[0] % 1440 == 90
