"""The fact guard: what a model wrote may hold no figure, name, link or claim that the facts do not.

Known titles are taken out first, then everything that is left must be supported. A guard can't read: what it can't
judge (an unknown word in small letters, praise without a figure) it lets through; what it can, it refuses.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from pipeline.ingest.text import plain_line
from pipeline.offers.claims import CLAIMS, SAVINGS, SOFT_CLAIMS
from pipeline.offers.english import CARDINALS, SYMBOLS

LONGEST = 2_000
"""Characters beyond which a text is refused unread."""

NUMBER_WORDS = {
    **{word: Decimal(value) for value, word in enumerate(CARDINALS) if value > 1},
    **{word: Decimal(value) for value, word in enumerate(
        ["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"], 11
    )},
    **{word: Decimal(10 * value) for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred"], 2
    )},
    "thousand": Decimal(1000), "million": Decimal(1_000_000), "twice": Decimal(2), "thrice": Decimal(3),
    "triple": Decimal(3), "dozen": Decimal(12), "dozens": Decimal(12), "hundreds": Decimal(100),
    "thousands": Decimal(1000), "zwei": Decimal(2), "drei": Decimal(3), "deux": Decimal(2), "trois": Decimal(3),
}  # fmt: skip
"""Numbers in words. One is left out: it mostly is no number."""

CURRENCY_NAMES = {"EUR": ("euro", "euros"), "GBP": ("pounds",), "USD": ("dollars",)}
"""Names of currencies in words."""

_LINK = re.compile(
    r"https?:|www\.|mailto:|javascript:|://|@\w|\b[a-z0-9-]{2,}\.[a-z]{2,}(?=$|[\s/:?#,;)!.])", re.IGNORECASE
)
_MARKUP = re.compile(r"[<>\[\]{}`*_|\\~^=]|^\s*#|&#?\w+;")
_MONEY = re.compile(
    "(?P<before>" + "|".join(sorted(map(re.escape, {*SYMBOLS.values(), *SYMBOLS}), key=len, reverse=True)) + r")"
    r"\s*(?P<amount>\d[\d.,]*)|(?P<amount_first>\d[\d.,]*)\s*(?P<after>"
    + "|".join(sorted(map(re.escape, {*SYMBOLS.values(), *SYMBOLS, "euros", "euro", "dollars", "pounds", "bucks"}),
                      key=len, reverse=True))
    + r")(?!\w)",
    re.IGNORECASE,
)  # fmt: skip
_ANY_CURRENCY = re.compile(
    "[\u0024\u00a2-\u00a5\u20a0-\u20cf\u0e3f\ufdfc\uff04\uffe0\uffe1\uffe5]|\\b(euros?|dollars?|pounds?|bucks|cents?)\\b",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"(?P<amount>\d[\d.,]*)?\s*(?:%|٪|％|\bper ?cent\b|\bprozent\b|\bpour ?cent\b|\bpor ciento\b)", re.IGNORECASE
)
_NUMBER = re.compile(r"\d[\d.,]*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a text may hold."""

    titles: tuple[str, ...] = ()
    """Product titles, each of which may be quoted whole."""
    vocabulary: frozenset[str] = frozenset()
    """Words of titles, categories and season, in small letters and as `stem` gives them."""
    amounts: frozenset[Decimal] = frozenset()
    percents: frozenset[Decimal] = frozenset()
    counts: frozenset[Decimal] = frozenset()
    currency: str = ""
    """ISO code of the one currency that amounts are in."""
    has_discount: bool = False
    others: Collection[tuple[str, ...]] = ()
    """Titles of the store's other products, as `title_key` gives them; those of two words and more."""
    knows_capitals: bool = True
    """Whether a capital inside a sentence tells a name, as in English and not in German."""


def fault_of(text: str, allowed: Allowed) -> str:
    """The first thing in `text` that the facts do not hold, as `kind: what`; empty for none."""
    if len(text) > LONGEST:
        return f"length: {len(text)} characters"
    rest = without_titles(text, allowed.titles)
    return next((fault for fault in _faults(text, rest, allowed) if fault), "")


def clean(text: str) -> str:
    """One line without invisible characters: what is judged is what is shown."""
    return plain_line(unicodedata.normalize("NFKC", text[: LONGEST + 1]))


def without_titles(text: str, titles: Iterable[str]) -> str:
    """`text` with every whole title taken out, the longest first, whatever its case."""
    for title in sorted(filter(None, titles), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(title)}(?!\w)", " ~ ", text, flags=re.IGNORECASE)
    return text


def stem(word: str) -> str:
    """A word without case and plural: enough to tell `Mugs` and `mug` are one.

    >>> stem("Mugs"), stem("Box’s")
    ('mug', 'box')
    """
    plain = re.sub(r"['’]\w*$", "", word.casefold())
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss") else plain


def words_of(*texts: str) -> frozenset[str]:
    """Stems of all words of `texts`."""
    return frozenset(stem(word) for text in texts for word in _WORD.findall(text))


@lru_cache(maxsize=200_000)
def title_key(title: str) -> tuple[str, ...]:
    """A title as the stems of its words, for comparison."""
    return tuple(stem(word) for word in _WORD.findall(title))


def sentences(text: str) -> list[str]:
    """The sentences of one line."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def _faults(text: str, rest: str, allowed: Allowed) -> Iterator[str]:
    yield _named("link", _LINK.search(text))
    yield _named("markup", _MARKUP.search(rest.replace(" ~ ", " ")))
    yield from (_named(claim.name, claim.pattern.search(rest)) for claim in CLAIMS)
    yield next(("claim: " + found[0] for found in SOFT_CLAIMS.finditer(rest)
                if not words_of(found[0]) <= allowed.vocabulary), "")  # fmt: skip
    yield "" if allowed.has_discount else _named("saving", SAVINGS.search(rest))
    yield from _figures(rest, allowed)
    yield _foreign_title(text, allowed)
    yield _strange_name(rest, allowed) if allowed.knows_capitals else ""


def _named(kind: str, found: re.Match[str] | None) -> str:
    return f"{kind}: {found[0].strip()}" if found else ""


def _figures(rest: str, allowed: Allowed) -> Iterator[str]:
    """Amounts of money, percentages and plain numbers, each among those of its kind."""
    for kind, pattern, known in (("amount", _MONEY, allowed.amounts), ("percentage", _PERCENT, allowed.percents)):
        for found in pattern.finditer(rest):
            figures = [value for name, value in found.groupdict().items() if name.startswith("amount") and value]
            marks = {
                value.casefold() for name, value in found.groupdict().items() if name in ("before", "after") and value
            }
            if not figures or any(_value(figure) not in known for figure in figures) or not marks <= _marks(allowed):
                yield f"{kind}: {found[0].strip()}"
        rest = pattern.sub(" ", rest)
    yield _named("amount", _ANY_CURRENCY.search(rest))
    for found in _NUMBER.finditer(rest):
        if _value(found[0]) not in allowed.counts:
            yield f"number: {found[0]}"
    yield next((f"number: {letter}" for letter in rest if unicodedata.category(letter) in ("No", "Nl")), "")
    for word in _WORD.findall(rest):
        value = NUMBER_WORDS.get(word.casefold())
        if value is not None and value not in allowed.counts:
            yield f"number: {word}"


def _marks(allowed: Allowed) -> set[str]:
    """How the currency may be written."""
    code = allowed.currency
    return {code.casefold(), SYMBOLS.get(code, code).casefold(), *CURRENCY_NAMES.get(code, ())}


def _value(figure: str) -> Decimal | None:
    """A figure as written with `,` between thousands; None where it is none."""
    try:
        return Decimal(figure.strip(".,").replace(",", "")).normalize()
    except InvalidOperation:
        return None


def _foreign_title(text: str, allowed: Allowed) -> str:
    """A title of another product of the store: naming it would promise it."""
    if not allowed.others:
        return ""
    own = {title_key(title) for title in allowed.titles}
    words = title_key(text)
    longest = min(12, len(words))
    for size in range(longest, 1, -1):
        for at in range(len(words) - size + 1):
            run = words[at : at + size]
            if run in allowed.others and not any(_within(run, title) for title in own):
                return "name: " + " ".join(run)
    return ""


def _within(run: tuple[str, ...], title: tuple[str, ...]) -> bool:
    return any(title[at : at + len(run)] == run for at in range(len(title) - len(run) + 1))


def _strange_name(rest: str, allowed: Allowed) -> str:
    """A word with a capital inside a sentence that no fact holds."""
    for sentence in sentences(rest):
        for found in list(_WORD.finditer(sentence))[1:]:
            word = found[0]
            if word[0].isupper() and len(word) > 1 and stem(word) not in allowed.vocabulary:
                return f"name: {word}"
    return ""
