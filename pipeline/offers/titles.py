"""Product titles as words can use them: cleaned, shortened, and what several of them share."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONNECTORS = _words("a an and at by de des du for from in la le les of on or the to with & + - – /")
"""Words that a name neither begins nor ends with."""

MODIFIERS = _words(
    """
    assorted asstd asst basic classic deluxe extra giant large medium mini new retro small vintage traditional mixed
    multi plain round square hanging decorative black blue brown cream gold green grey gray ivory multicolour multicolor
    natural orange pink purple red silver turquoise white yellow antique wooden metal ceramic plastic cotton
    """
)
"""Words without which a title still says what the product is: sizes, colours, materials."""

GENERIC = (
    CONNECTORS
    | MODIFIERS
    | _words("design pack pair pc pcs piece pieces set sets size box boxed gift glass paper xs s m l xl xxl")
)
"""Words that several titles may share without being one range: the same, and packs."""

UNITS = _words("g kg ml cl l mm cm m oz lb w v pcs")
"""Units of measure, which stay small."""

_FOREIGN = re.compile(r"\]?\(?\s*\b(?:https?:|www\.|javascript:)\S*|</?[a-zA-Z!][^<>]*>|[<>`]", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_AFTER_APOSTROPHE = re.compile(r"(?<=\w)['’](?:S|T|D|M|Re|Ll|Ve)\b")
_SENTENCE_MARK = re.compile(r"[.!?]+(?=\s|$)")
_COMMA = re.compile(r"\s*[,;]\s*")
_CODE = re.compile(r"[#(\[]?(?=\S*\d{3})[A-Za-z]{0,4}[-_/]?\d+[A-Za-z]?[)\]]?")
_AMOUNT = re.compile(r"\d+([.,]\d+)?(ml|g|kg|l|cm|mm|m|w|v|oz|pcs?|%)", re.IGNORECASE)
_PACK = re.compile(r"^(?:set|pack|box|bundle)(?:\s+of\s+|\s*/\s*|\s+)\d+\s+(?:of\s+)?", re.IGNORECASE)
_PACK_INSIDE = re.compile(r"\s+(?:set|pack|box)\s+of\s*\d+(?=\s)", re.IGNORECASE)
_OPTIONS = re.compile(r" [-–—] ([^-–—()]+)$")
_VARIANT = re.compile(r"\s+[-–—|:]\s+.*$|\s*[(\[].*$")


@lru_cache(maxsize=4096)
def clean_title(title: str, limit: int) -> str:
    """A title as plain words of one line, at most `limit` characters, cut between words.

    Control, format (bidi, zero-width) and unassigned characters go, and so do the marks that would end or divide a
    sentence of ours: full stops, commas. Shouted titles come down to Title Case; options after a dash move into
    brackets. Addresses of pages and markup are no words. An empty title becomes `Product`.
    """
    text = unicodedata.normalize("NFC", _FOREIGN.sub(" ", title[: 20 * limit]))
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    text = _SPACES.sub(" ", _COMMA.sub(" ", _SENTENCE_MARK.sub("", text))).strip(" -–—:|/")
    if len(text) > 4 and text.isupper():
        text = " ".join(word if any(map(str.isdigit, word)) else word.title() for word in text.split())
    text = clip(_AFTER_APOSTROPHE.sub(lambda found: found[0].lower(), text), limit)
    return _OPTIONS.sub(r" (\1)", text) or "Product"


def title_case(text: str) -> str:
    """Every word of `text` with a capital, units of measure excepted; the rest as it was."""
    return " ".join(word if word in UNITS else word[:1].upper() + word[1:] for word in text.split())


def clip(text: str, limit: int) -> str:
    """The words of `text` that `limit` characters hold; never ends in a connector. One endless word is cut."""
    if len(text) <= limit:
        return text
    words = text[: limit + 1].split(" ")[:-1]
    while len(words) > 1 and words[-1].lower() in CONNECTORS:
        words.pop()
    return " ".join(words) or text[:limit]


@lru_cache(maxsize=4096)
def short_title(title: str, limit: int) -> str:
    """A cleaned title as a name can hold it: no trailing code, no pack size, no variant, then fewer words.

    Words that only modify go first, from the left; what is cut off the end may be what the product is.

    >>> short_title("Red Toadstool Led Night Light", 28), short_title("Round Snack Boxes Set Of4 Woodland", 28)
    ('Toadstool Led Night Light', 'Round Snack Boxes Woodland')
    """
    words = title.split(" ")
    while len(words) > 1 and _CODE.fullmatch(words[-1]) and not _AMOUNT.fullmatch(words[-1]):
        words.pop()
    text = title_case(" ".join(words))
    for pattern in (_PACK, _VARIANT):
        shorter = pattern.sub("", text)
        if " " in shorter or len(text) > limit:
            text = shorter or text
    if len(text) > limit:
        text = _PACK_INSIDE.sub("", text)
    return clip(_unmodified(text, limit), limit)


def _unmodified(text: str, limit: int) -> str:
    """`text` without as many of its modifiers as `limit` asks for; the last word stays, whatever it is."""
    words = text.split(" ")
    for word in words[:-1]:
        if len(" ".join(words)) <= limit:
            break
        if word.lower() in MODIFIERS and len(words) > 2:
            words.remove(word)
    return " ".join(words)


def shared_words(titles: Sequence[str], limit: int = 32) -> str | None:
    """The longest run of words with which every title begins or ends, in Title Case; none where it names no range.

    Of equally long runs the first in the first title is taken. Sizes, colours, materials and packs alone are no range.

    >>> shared_words(["Green Regency Teacup And Saucer", "Pink Regency Teacup And Saucer"])
    'Regency Teacup And Saucer'
    >>> shared_words(["Red Retrospot Cake Stand", "Lunch Bag Red Retrospot"])
    'Red Retrospot'
    >>> shared_words(["Set Of 3 Cake Tins", "Set Of 3 Ribbons"]) is None
    True
    """
    if len(titles) < 2:
        return None
    words, others = titles[0].split(" "), [title.lower() for title in titles[1:]]
    for length in range(len(words), 0, -1):
        for run in (words[:length], words[-length:]):
            text = " ".join(run)
            if len(text) <= limit and _is_range(run) and all(_ends_in(other, text.lower()) for other in others):
                return title_case(text)
    return None


def _ends_in(title: str, run: str) -> bool:
    """Whether one end of `title` is `run`, in whole words."""
    return f"{title} ".startswith(f"{run} ") or f" {title}".endswith(f" {run}")


def _is_range(words: list[str]) -> bool:
    """Whether `words` can stand as the name of a range."""
    ends = (words[0].lower(), words[-1].lower())
    if any(end in CONNECTORS or end.isdigit() for end in ends) or ends[0] in ("set", "pack", "pair", "box"):
        return False
    return any(len(w) > 2 and w.lower() not in GENERIC and not w[0].isdigit() for w in words)


def distinct_words(titles: Sequence[str], shared: str) -> list[str]:
    """What is left of each title beside the `shared` words, e.g. a colour; empty where that can't stand alone."""
    pattern = re.compile(rf"(?:^|(?<=\s)){re.escape(shared)}(?=\s|$)", re.IGNORECASE)
    left = (pattern.sub(" ", title, count=1).split() for title in titles)
    return ["" if not words or _hangs(words) else title_case(" ".join(words)) for words in left]


def _hangs(words: list[str]) -> bool:
    return words[0].lower() in CONNECTORS or words[-1].lower() in CONNECTORS
