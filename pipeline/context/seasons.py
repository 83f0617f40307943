"""The year's selling seasons and the words that tell a seasonal product, as one table."""

from datetime import date, timedelta
from typing import NamedTuple


class Season(NamedTuple):
    """A season, when shops sell for it, and what its products are called."""

    name: str
    starts: tuple[int, int]
    """First (month, day) of selling."""
    ends: tuple[int, int]
    """Last (month, day) of selling; before `starts` where the season spans New Year."""
    pattern: str
    """RE2 pattern on lower-case title and tags."""


SEASONS = (
    Season(
        "Christmas",
        (9, 15),
        (12, 26),
        r"\b(christmas|xmas|santa|advent|reindeer|snowman|snowflake|noel|bauble|nativity|mistletoe)",
    ),
    Season("Halloween", (9, 1), (10, 31), r"\b(halloween|pumpkin|spooky|witch|skeleton)"),
    Season("Easter", (2, 15), (4, 25), r"\b(easter|bunny|bunnies|chick\b|chicks\b)"),
    Season("Valentine's Day", (1, 5), (2, 14), r"\b(valentine)"),
    Season("Mother's Day", (2, 20), (5, 15), r"\b(mother'?s day|mothers day)"),
    Season("Father's Day", (5, 15), (6, 21), r"\b(father'?s day|fathers day)"),
    Season("summer", (4, 15), (8, 31), r"\b(summer|beach|picnic|bbq|barbecue|parasol|swim|sunscreen|ice cream|lolly)"),
    Season("back to school", (7, 15), (9, 20), r"\b(school|pencil case|lunch ?box|satchel|rucksack|backpack)"),
    Season(
        "winter", (10, 1), (2, 15), r"\b(winter|hot water bottle|hand ?warmer|mitten|scarf|gloves?\b|hot chocolate)"
    ),
)


def is_coming(season: Season, today: date, lead_days: int) -> bool:
    """Whether `season` sells on any of the `lead_days` days from `today`."""
    days = [today + timedelta(days=ahead) for ahead in (*range(0, lead_days, 7), lead_days)]
    if season.starts <= season.ends:
        return any(season.starts <= (day.month, day.day) <= season.ends for day in days)
    return any((day.month, day.day) >= season.starts or (day.month, day.day) <= season.ends for day in days)


def coming_seasons(today: date, lead_days: int) -> tuple[int, ...]:
    """Positions in `SEASONS` of those that sell in the `lead_days` days from `today`."""
    return tuple(place for place, season in enumerate(SEASONS) if is_coming(season, today, lead_days))
