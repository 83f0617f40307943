"""How figures and lists are said in English: money, shares, counts, lists."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from pipeline.money import digits

SYMBOLS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "HKD": "HK$", "ILS": "₪", "INR": "₹",
    "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "PHP": "₱", "TWD": "NT$", "USD": "$", "VND": "₫",
}  # fmt: skip
"""Unambiguous narrow symbols (CLDR, English); any other currency is written with its ISO code."""

CARDINALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def money(amount: Decimal, currency: str) -> str:
    r"""An amount with its currency's symbol and minor units; without a symbol, the ISO code leads.

    >>> money(Decimal("1295"), "GBP"), money(Decimal("1295"), "JPY"), money(Decimal("9.5"), "CHF")
    ('£1,295.00', '¥1,295', 'CHF\xa09.50')
    """
    rounded = amount.quantize(Decimal(1).scaleb(-digits(currency)), rounding=ROUND_HALF_EVEN)
    sign = "−" if rounded < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + chr(0xA0))}{abs(rounded):,}"


def percent(value: Decimal | float) -> str:
    """A figure on the scale of 0 to 100 as a shop announces it: whole, never more than it is; one digit below 1.

    >>> percent(Decimal("10.0")), percent(12.94), percent(0.47)
    ('10%', '12%', '0.5%')
    """
    return f"{float(value):.1f}%" if value < 1 else f"{int(float(value) + 1e-9)}%"


def share(value: float) -> str:
    """A share in [0, 1] as a whole percentage; one too small to round to 1% is said so.

    >>> share(0.254), share(0.004)
    ('25%', 'under 1%')
    """
    return "under 1%" if 0 < value < 0.005 else f"{value:.0%}"


def times(factor: float) -> str:
    """A factor as it is said; below 10 with one digit.

    >>> times(2.04), times(6.25), times(31.7)
    ('twice', '6.2 times', '32 times')
    """
    if round(factor, 1) == 2.0:
        return "twice"
    return f"{factor:.1f}".removesuffix(".0") + " times" if factor < 9.95 else f"{factor:.0f} times"


def cardinal(count: int) -> str:
    """A small whole number as a word, from eleven on as a figure.

    >>> cardinal(3), cardinal(12)
    ('three', '12')
    """
    return CARDINALS[count] if 0 <= count < len(CARDINALS) else f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun in the right number.

    >>> counted(1, "order"), counted(1200, "order"), counted(2, "category", "categories")
    ('1 order', '1,200 orders', '2 categories')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def with_article(phrase: str) -> str:
    """`phrase` after *a* or *an*, judged by how it sounds: eight, eleven and eighteen take *an*.

    >>> with_article("8% discount"), with_article("10% discount"), with_article("18.5% saving")
    ('an 8% discount', 'a 10% discount', 'an 18.5% saving')
    """
    number = phrase.split("%")[0].split(" ")[0].split(".")[0].replace(",", "")
    if number.isdigit():
        return f"{'an' if number.startswith('8') or number in ('11', '18') else 'a'} {phrase}"
    return f"{'an' if phrase[:1].lower() in 'aeiou' else 'a'} {phrase}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Parts as a spoken list.

    >>> listed(["A"]), listed(["A", "B"]), listed(["A", "B", "C"]), listed(["6", "12"], "or")
    ('A', 'A and B', 'A, B and C', '6 or 12')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def listed_within(parts: Sequence[str], limit: int) -> str:
    """As `listed`, with as many parts as `limit` characters hold; the others are counted, never cut.

    >>> listed_within(["Teacup", "Saucer", "Milk Jug"], 20)
    'Teacup and two more'
    """
    for kept in range(len(parts), 1, -1):
        rest = len(parts) - kept
        text = listed([*parts[:kept], f"{cardinal(rest)} more"] if rest else parts)
        if len(text) <= limit:
            return text
    return parts[0] if len(parts) == 1 else f"{parts[0]} and {cardinal(len(parts) - 1)} more"
