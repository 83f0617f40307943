"""What words may never claim: nobody computed it, and a shop may have to answer for it."""

import re
from typing import NamedTuple


class Claim(NamedTuple):
    """A family of claims."""

    name: str
    pattern: re.Pattern[str]


def _claim(name: str, pattern: str) -> Claim:
    return Claim(name, re.compile(pattern, re.IGNORECASE))


CLAIMS = (
    _claim(
        "medical",
        r"\b(cur(e|es|ed|ing)\b|heal(s|ed|ing)?\b|treat(ed|ing|ments?|s? (your|the|an?))\b|therap|medic(al|ine|inal)|"
        r"clinical|doctor|diseases?\b|illness|cancer|anxiety|depress|pain\b|immun|detox|anti.?ag(e|ing|eing)|weight.?loss|slimming|"
        r"heil(t|en|ung|end)\b|gu[ée]ri|allerg)",
    ),
    _claim(
        "guarantee",
        r"\b(guarant|warrant|money.?back|refund|risk.?free|lifetime|certifi|proven\b|tested\b|approved|endorsed|award|"
        r"official|authentic|licen[cs]ed|patent|garant[ií]|geprüft|zertifi)",
    ),
    _claim(
        "superlative",
        r"\b(best|better than|cheap(er|est)?|lowest|number one|no\.? ?1|unbeat|unrival|unmatch|world.?s|finest|"
        r"top.?(rated|quality|selling)|leading|greatest|most (popular|loved|wanted|trusted)|billigst|günstigst|"
        r"meilleur|mejor(es)?)\b|\bbeste[nrs]?\b|#\s*1",
    ),
    _claim(
        "free or shipping",
        r"\b(free|freebie|complimentary|gratis|kostenlos|gratuite?|shipping|ships?|shipped|delivery|delivered|deliver|"
        r"express|overnight|postage|returns?|versand(kosten)?|lieferung|livraison|env[ií]o)\b",
    ),
    _claim(
        "urgency",
        r"\b(today only|limited|last chance|hurry|while (stocks?|supplies) last|ends? (soon|today|tonight|tomorrow)|"
        r"expires?|almost gone|selling (fast|out)|sold out|act now|don.?t miss|only .{0,12} left|nur heute)\b",
    ),
    _claim("ratings", r"\b(review(s|ed|ers?)?|rated|ratings?|stars?|testimonials?|customers? (love|adore|rave))\b"),
    _claim(
        "share of price", r"\b(half|third|quarter|double|triple|twice|dozens?)\b(?=.{0,12}\b(price|off|cost|value)\b)"
    ),
    _claim(
        "address", r"\b(click|visit|subscribe|call us|text us|whatsapp|e-?mail|coupon|voucher|promo code|use code)\b"
    ),
)
"""No words of a model may hold any of these, but for a product's title that is quoted whole."""

SOFT_CLAIMS = re.compile(
    r"\b(organic|all.?natural|natural (ingredients|fib\w+|materials?)|eco|"
    r"sustainab\w*|vegan|hypoallergenic|non.?toxic|bpa|hand.?made|"
    r"handcrafted|recycl\w*|"
    r"biodegradable|genuine|waterproof|unbreakable|safe|non.?stick|luxur\w*|premium|antique|fair.?trade|"
    r"made in \w+)\b",
    re.IGNORECASE,
)
"""What a product is made of or can do: said only where a title says it."""

SAVINGS = re.compile(
    r"\b(sav(e|es|ing|ings)|discount(ed|s)?|reduced|reduction|deal|sale|bargain|less than|off\b|sparen|rabatt)\b",
    re.IGNORECASE,
)
"""Said only where there is a discount."""
