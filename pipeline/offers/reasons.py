"""The sentences of template explanations: what orders say, then why the merchant wants it. Written as in `phrases`."""

from pipeline.offers.phrases import Family, Group
from pipeline.terms import Objective, Tier

PROVEN_SET: Family = (
    (
        "[Bought|Ordered] together in {count} of {orders} orders over the last {days}[ — |, ]{times} as often as"
        " chance[| would have it], [by a cautious estimate|cautiously estimated].",
        "{Of_anchor} over the last {days}{share} also [hold|include] {rest}[|: {times} what chance would bring,"
        " cautiously estimated].",
        "[Customers already combine these|These already go into one basket]: {count} of {orders} orders over the"
        " last {days}, a cautious estimate of {times} as often as chance.",
    ),
    (
        "[Bought|Ordered] together in {count} of {orders} orders over the last {days}.",
        "{Of_anchor} over the last {days}{share} also [hold|include] {rest}.",
        "{count} of {orders} orders over the last {days} [hold|contain|include] [{all_n}|the whole set].",
        "[Customers already combine these|These already go into one basket]: {count} of {orders} orders over the"
        " last {days}.",
    ),
    (
        "[Bought|Ordered] together in {count} of {orders} orders over the last {days}.",
        "{count} of {orders} orders over the last {days} [hold|contain|include] [{all_n}|the whole set].",
    ),
)
"""Why customers want a set that three or more orders hold."""

BACKED_SET: Family = (
    (
        "Proposed because {because}, and {count} of {orders} orders over the last {days} [bear it out|agree].",
        "{count} of {orders} orders over the last {days} [hold|contain] {all_n}; it was proposed because {because}.",
    ),
)
"""A set that orders hold, though weaker evidence than its own orders proposed it."""

THIN_SET: Family = (
    (
        "[Thin evidence|Few orders speak for it yet|The evidence is thin]: [bought|ordered] together in {count} of"
        " {orders} orders over the last {days}, and proposed because {because}.",
        "[Only|So far only] {count} of {orders} orders over the last {days} held {all_n}; it is proposed because"
        " {because}.",
    ),
)
"""A set that one or two orders hold."""

UNPROVEN: Family = (
    (
        "No orders [yet|so far]: proposed because {because}[|; {a} alone is in {anchor_orders}].",
        "None of the {orders} orders over the last {days} [holds|contains] {all_n}, so it is proposed because"
        " {because}.",
        "[Untested by orders|Not yet seen in an order|Still without an order]: proposed because {because}.",
    ),
    (
        "No orders [yet|so far]: proposed because {because}.",
        "[Untested by orders|Still without an order]: proposed because {because}.",
    ),
)
"""Why a set is proposed that no order holds."""

PROVEN_POOL: Family = (
    (
        "{count} of {orders} orders over the last {days} [hold|contain|include] {pick_n} or more of these {pool_n}.",
        "[Customers already mix these|These are already mixed]: {count} of {orders} orders over the last {days}"
        " [took|held] {pick_n} or more.",
        "[In|Over] the last {days}, {count} of {orders} orders [combined|took] {pick_n} or more [of the"
        " {pool_n}|of them].",
    ),
)

BACKED_POOL: Family = (
    (
        "Proposed because {because}, and {count} of {orders} orders over the last {days} [took|held] {pick_n} or more.",
        "{count} of {orders} orders over the last {days} [hold|contain] {pick_n} or more of these; it was proposed"
        " because {because}.",
    ),
)

THIN_POOL: Family = (
    (
        "[Thin evidence|Few orders speak for it yet]: {count} of {orders} orders over the last {days}"
        " [held|contained] {pick_n} or more of these, and it is proposed because {because}.",
        "[Only|So far only] {count} of {orders} orders over the last {days} [took|held] {pick_n} or more of these;"
        " it is proposed because {because}.",
    ),
)

PROVEN_VOLUME: Family = (
    (
        "{count} of {orders} orders over the last {days} [already took|took] {q1} or more, and an order with it"
        " [holds|takes] {units} on average.",
        "[Customers already buy it in quantity|Orders of several are known]: {of_its_orders} over the last {days}"
        " [took|were for] {q1} or more.",
    ),
    (
        "{count} of {orders} orders over the last {days} [already took|took|were for] {q1} or more.",
        "[Over|In] the last {days}, {count} of {orders} orders [took|were for|held] {q1} or more.",
        "[Customers already buy it in quantity|It already goes out in quantity]: {count} of {orders} orders over"
        " the last {days} took {q1} or more.",
    ),
)

THIN_VOLUME: Family = (
    (
        "[Thin evidence|Few orders speak for it yet]: {count} of {orders} orders over the last {days} [took|were"
        " for] {q1} or more, [and an average order takes {units}|where {units} is the average].",
        "[Only|So far only] {count} of {orders} orders over the last {days} [took|were for] {q1} or more, [where"
        " {units} is the average|against an average of {units}].",
    ),
    (
        "[Thin evidence|Few orders speak for it yet]: {count} of {orders} orders over the last {days} [took|were"
        " for|held] {q1} or more.",
        "[Only|So far only] {count} of {orders} orders over the last {days} [took|were for|held] {q1} or more.",
    ),
)

UNPROVEN_VOLUME: Family = (
    (
        "No orders of {q1} [yet|so far]: proposed because [an average order takes {units}|orders take {units} on"
        " average].",
        "None of the {orders} orders over the last {days} [took|was for] {q1} or more; proposed because the"
        " average order takes {units}[| of it].",
    ),
    (
        "No orders of {q1} [yet|so far]: proposed [to see|to find out] whether [a lower price|a better price]"
        " makes customers take more.",
        "No orders [yet|so far]: proposed [to see|to find out] whether customers take {q1} or more [for less|at a"
        " lower price].",
    ),
    ("No orders [yet|so far]: proposed [to see|to find out] whether customers take [several|more than one].",),
)

BARE: Family = (("Found in {count_orders} so far.",), ("No orders yet: proposed because {because}.",))
"""What can be said of any bundle."""

BECAUSE: dict[Tier, Group] = {
    Tier.RULES: ("products in it are bought together", "its products turn up in the same orders"),
    Tier.ADAPTIVE_RULES: ("products in it have been bought together", "its products have turned up in the same orders"),
    Tier.SMOOTHED_LIFT: ("[products of these categories|its categories] [are bought|sell] together",),
    Tier.SIMILARITY: (
        "[the texts of the products are alike|the products read alike] (similarity {similarity}, where 1 is the same)",
        "[their texts are alike|the products are described alike|the products read alike]",
    ),
    Tier.HEURISTICS: (
        "[categories and prices|the categories and the prices|price and category] [fit|go together|match]",
    ),
    Tier.POPULARITY: (
        "[each product sells well on its own|every product in it sells well alone|its products sell well singly]",
    ),
    Tier.COLD_START: (
        "[price and category fit|prices and categories fit|the catalogue's prices and categories fit][|, which is"
        " all that is known|, the only evidence so far]",
    ),
}
"""What a tier of evidence rests on, as the end of a sentence."""

REASONS: dict[Objective, Family] = {
    Objective.MARGIN_GUARD: (
        (
            "It [protects|guards|looks after] the margin: {margin} of the price [remains|is left|stays]{after}",
            "The margin [holds|stays sound] at {margin} of [the price|what the customer pays]{after}",
        ),
        (
            "It is meant to [protect|guard|keep] the margin; no cost is known, so the discount [stays|is kept] at"
            " {off}",
            "[Costs are unknown|No cost is on file|The cost is not known], so the discount stays at {off} to"
            " [guard|protect] the margin",
        ),
        ("It is [meant|built] to [protect|guard|keep] the margin[|, although no cost is known]",),
    ),
    Objective.CLEAR_SLOW_MOVERS: (
        (
            "It [helps clear|brings movement to|helps to move] {slow}, [whose stock lasts|in stock for] another"
            " {cover} at the [present|current] pace",
            "[At the present pace|As things go], {slow} would lie in stock for {cover}: this [helps to clear"
            " it|moves it on]",
        ),
        (
            "It [helps clear|brings movement to|helps to move] {slow}, [which is slow to sell|which sells slowly|a"
            " slow mover]",
            "{slow} [sells slowly|is slow to sell], and this [helps to clear it|moves it on]",
        ),
        (
            "It [helps clear|brings movement to|helps to move] [stock that sells slowly|slow-moving stock|stock"
            " that lies too long]",
        ),
    ),
    Objective.INCREASE_AOV: (
        (
            "It [raises|lifts|takes] the order from {alone} for {a} alone to {price}",
            "[An order|A basket] with {a} [grows|rises] from {alone} to {price}",
        ),
        (
            "It [raises|lifts|takes] the order from one product to {pick_n}",
            "[An order|A basket] [grows|rises] from one product to {pick_n}[| at once| in one step]",
        ),
        ("It [raises|lifts] what [one|an] order [is worth|brings]", "It makes [one|an|each] order [larger|worth more]"),
    ),
    Objective.NEW_LAUNCH: (
        (
            "It [introduces|brings in|shows] {new} [beside|next to|together with] {established}, which"
            " {established_orders}",
            "{new} is new, and {established}, which {established_orders}, [brings it into view|introduces it]",
        ),
        ("It [introduces|brings in|shows] {new}, [which is new|new in the shop|a new product]",),
        (
            "It [introduces|brings in|shows] [a new product|something new|what is new] beside [known"
            " ones|established ones]",
        ),
    ),
    Objective.SEASONAL_PROMO: (
        (
            "It [is timed for|suits|is in time for|belongs to] {season}",
            "Made for {season}, it [goes out|sells] as one offer",
        ),
        ("It [is timed for|suits|belongs to] the [season|weeks] [ahead|to come]",),
    ),
    Objective.CATEGORY_BUNDLE: (
        (
            "It [deepens|widens] the order [within one category|inside one category], {category}",
            "It [keeps|holds] the [choice|order] within {category}",
            "[One category|A single category], {category}, [makes the whole set|makes up all of it]",
        ),
        ("It [deepens|widens] the order [within one category|inside one category|in its own category]",),
    ),
    Objective.GIFT_BOX: (
        (
            "It [makes|turns into] one gift of {pick_n} [from|out of] a pool of {pool_n}",
            "[A gift|One gift] of {pick_n}, [chosen|put together] by the customer, [sells|is sold] as one",
        ),
        (
            "It [turns|makes] {n_products} into one gift [at|for] {price}",
            "{N_products} [sell|are sold] as one gift [at|for] {price}",
        ),
        ("It [offers|sells] [a quantity|a number] of one product [to give away|for giving]",),
    ),
    Objective.SUBSCRIPTION_PUSH: (
        (
            "{repeats_have} [already come|come] back for {replenished}, [which suits|and that suits] a regular order",
            "It [suits|allows] a regular order: {repeats_have} [already come|come] back for {replenished}",
        ),
        ("It is [meant|intended] for [regular orders|a regular order|a standing order] of {a}",),
    ),
}
"""Why the merchant wants a bundle: the second sentence of an explanation, without its end."""

MARGIN_ENDS: Group = (
    "; {margin} of the price [remains|is left|stays] as margin{after}.",
    ", with {margin} of the price left as margin{after}.",
)
"""Ends of a business reason where the margin is known."""
