"""The sentences of template words. `[a|b]` is a choice, `{slot}` a fact of `pipeline.offers.slots`.

A family is a tuple of groups, the most telling first; a group is used where all slots of one of its templates are known
and the text fits. Every choice of a template reads well with every other, and no template claims more than its slots.
"""

from pipeline.terms import BundleType, Objective

Group = tuple[str, ...]
Family = tuple[Group, ...]

FBT, FIXED, MIX_MATCH, BXGY, VOLUME = (
    BundleType.FBT,
    BundleType.FIXED,
    BundleType.MIX_MATCH,
    BundleType.BXGY,
    BundleType.VOLUME,
)

TAGLINES: dict[BundleType, Family] = {
    FBT: (
        (
            "{a} with {rest}: save {save} [together|as a set|in one go]",
            "Add {rest} to {a} and [save|keep] {save}",
            "Take {shorts} [together|in one order] and [save|keep] {save}",
            "{shorts}: {off} off [together|as a set|when bought together]",
        ),
        ("{a} and {others_n}: save {save} [together|in one go|as a set]",),
        ("{a} with {rest}, [together|in one go|in one basket|side by side]", "Add {rest} to {a}"),
        ("Save {save} on {all_n} [together|in one order|in one basket]", "[All|The whole set] for {price}"),
    ),
    FIXED: (
        (
            "{shorts}: [one set|one kit|one box] for {price}",
            "[One price|One kit|One set], {n_products}: {a} and {others_n}",
            "{a} and {others_n} [in one set|in one kit|as one], {save} less",
            "{N_products}, [one price|one set|one kit]: save {save} on {a} and {others_n}",
        ),
        ("{N_products} [in one set|in one kit|at one price]: {price} for {a} and {others_n}",),
        ("{N_products} [in one set|in one kit|at one price] for {price}",),
    ),
    MIX_MATCH: (
        (
            "{theme}: [choose|pick|take] any {pick_n} of {pool_n} and save {off}",
            "[Your|A] choice of {pick_n} from {pool_n} in {theme}: {off} off",
            "{theme}, [your way|your choice|as you like it]: any {pick_n} at {off} off",
        ),
        (
            "{a} and {others_n} to [choose|pick] from: any {pick_n} at {off} off",
            "[Choose|Pick|Take] any {pick_n} of {pool_n}, such as {a}, and save {off}",
        ),
        ("[Choose|Pick|Take] any {pick_n} of {pool_n}, [starting with|such as] {a}",),
        ("[Choose|Pick|Take] any {pick_n} of {pool_n}",),
    ),
    BXGY: (
        (
            "Buy {buy} and [get|take] {got} at {get_off} off",
            "{get_off} off {got} [when you buy|with|beside] {buy}",
            "{got} at {get_off} off, [with|when you take|beside] {buy}",
        ),
        ("Buy {buy} and [get|take] {got} with it",),
        ("[Buy one and save {get_off} on the other|{get_off} off the second product]",),
    ),
    VOLUME: (
        (
            "[Buy|Take|Order] {q1} or more {a} and pay {unit1} each",
            "{a} by the {q1}: {unit1} [each|apiece|a piece]",
            "{a}: [down to|as little as|from] {unit_best} each from {q_best}",
            "Stock up on {a}: [up to {off_best} off|{off1} off from {q1}]",
        ),
        ("{q1} or more at {unit1} each",),
        ("[Buy|Take|Order] {a} in quantity",),
    ),
}

THEMED_TAGLINES: dict[Objective, Group] = {
    Objective.SEASONAL_PROMO: (
        "[For|In time for|Ready for] {season}: {deal_of}",
        "{season} [ideas|picks]: {deal_of}",
    ),
    Objective.GIFT_BOX: ("[As a gift|Ready to give|To give, or to keep]: {deal_of}",),
    Objective.NEW_LAUNCH: ("[New in|Just in|New here]: {new_short}, [with|beside] {established}",),
    Objective.SUBSCRIPTION_PUSH: ("[For the regular order|To have in again|For the next time round]: {deal_of}",),
}
"""Taglines of an objective, offered beside those of the type."""

CONTENTS: dict[BundleType, Family] = {
    FBT: (
        (
            "[Take|Order|Buy] {first} together with {rest_long}[| in one order| in one basket].",
            "{items}, [together in one order|side by side in one basket|all in one go].",
            "{first} [goes into the basket with|is offered with|comes with the option of] {rest_long}.",
        ),
    ),
    FIXED: (
        (
            "[This|One] [set|kit] [holds|brings together|contains] {items}.",
            "{N_products} [in one|as one] [set|kit]: {items}.",
            "[Inside|In the set|In the kit]: {items}.",
        ),
    ),
    MIX_MATCH: (
        (
            "[Choose|Pick|Take] any {pick_n} from {items}.",
            "{items}: [choose|pick|take] any {pick_n}[| of them| of the {pool_n}].",
            "[The choice is|To choose from]: {items}.",
        ),
    ),
    BXGY: (
        (
            "Buy {buy_long} and [get|take] {got_long} at {get_off} off.",
            "[With|Beside] {buy_long}, {got_long} [costs {get_off} less|is {get_off} below its list price].",
            "[Take|Order] {buy_long}, and [save {get_off} on|pay {get_off} less for] {got_long}.",
        ),
        ("Buy {buy_long} and [get|take] {got_long}[| with it| in the same order].",),
    ),
    VOLUME: (
        (
            "{first} [costs less by the quantity|is cheaper in quantity|gets cheaper as you take more]: {breaks}.",
            "[Take|Order|Buy] {first} in quantity[| and pay less for each]: {breaks}.",
        ),
        ("[Take|Order|Buy] {items} in quantity.",),
    ),
}
"""What a bundle is made of: the first sentence of a description."""

TERMS: dict[BundleType, Family] = {
    FBT: (
        (
            "[Together they cost|The set costs|You pay] {price} instead of {was}, [a saving of {save}|which saves"
            " {save}].",
            "[Bought|Taken|Ordered] together, {all_n} come to {price}[, {save} less than apart|: that saves {save}].",
            "[The price of the set|For everything together, the price] is {price}, {save} [below|under] the list"
            " price.",
        ),
        ("[Together they cost|The set costs|You pay] {price}[| in all| for {all_n}].",),
    ),
    FIXED: (
        (
            "[It costs|The price is|You pay] {price} for {all_n} instead of {was}, [a saving of {save}|which saves"
            " {save}].",
            "[One price|A single price] covers everything: {price}, {save} [less than|below] the parts.",
            "Bought [apart|one by one] it would be {was}; [the set|the kit|together it] is {price}.",
        ),
        ("[It costs|The price is|You pay] {price}[| in all| for {all_n}].",),
    ),
    MIX_MATCH: (
        (
            "[Whichever {pick_n} you choose|Any {pick_n} of them|Your {pick_n}, in any combination,] [come|are]"
            " {off} cheaper.",
            "The {pick_n} [you choose|of your choice|that you pick] [come with|get|take] {off} off[| the list price].",
            "[Take any {pick_n}|Choose {pick_n}] and {off} comes off[| their price| the total of the {pick_n}].",
        ),
        ("[Any {pick_n} of them|Whichever {pick_n} you choose], the list price [holds|applies].",),
    ),
    BXGY: (
        (
            "[Together|In one order,|As a set,] they cost {price} instead of {was}.",
            "[The total is|That makes|In all you pay] {price} [where the list price is|instead of] {was}[|, a"
            " saving of {save}].",
            "You save {save}[| in all] and pay {price}[| together| in total].",
        ),
        ("[Together they cost|The total is|In all you pay] {price}.",),
    ),
    VOLUME: (
        (
            "[A single one costs|One alone costs|Bought singly, it costs] {unit_list}[|; the best price is"
            " {unit_best}].",
            "From {q_best} [on|upwards] you save {off_best} on [each|every one].",
            "The list price [is|for one is] {unit_list}, so {q_best} or more [save|bring it down by] {off_best}.",
        ),
        ("[A single one costs|One alone costs] {unit_list}.",),
        ("[It costs|The price is] {price}[| in all].",),
    ),
}
"""What a bundle costs: the second sentence of a description."""
