"""How well elasticities predict weeks they were not learnt from, on twelve weeks of a grocery chain.

`python -m benchmarks.elasticity --source FOLDER`, where FOLDER holds `transactions.parquet` and `products.parquet` of
The Complete Journey (dunnhumby). Weekly log units on log paid price; products of at least 25 selling weeks whose log
price has a standard deviation above 0.03. Learnt from weeks 28 to 39, asked about weeks 40 to 52; a product's level is
its mean over the weeks learnt from, so that all rows differ in the slope alone. OLS is spared the products whose price
hardly moved in the weeks learnt from (a slope of 0): with them its error is nearly twice as large.
"""

import argparse
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pipeline.context.config import ElasticityConfig
from pipeline.context.elasticity import LEAST_ELASTIC, Observations, shrink, slopes_of

LEARN, ASK = (28, 39), (40, 52)
LEAST_WEEKS, LEAST_SD = 25, 0.03
MOVE = 0.1
"""Log price beyond which a week counts as a price move."""


class Row(NamedTuple):
    """One way to predict."""

    name: str
    rmse: float
    """Root mean square error of log units, all held-out weeks."""
    rmse_moved: float
    """The same where the price is more than 10 % off the product's usual one."""
    wrong_signs: float
    """Share of the products seen whose slope is positive."""


def weekly(source: Path) -> pd.DataFrame:
    """Units, log price and category of every product and week of the panel."""
    lines = pd.read_parquet(source / "transactions.parquet", columns=["product_id", "week", "quantity", "sales_value"])
    lines = lines[(lines.quantity > 0) & (lines.sales_value > 0)]
    panel = lines.groupby(["product_id", "week"], as_index=False)[["quantity", "sales_value"]].sum()
    panel["x"], panel["y"] = np.log(panel.sales_value / panel.quantity), np.log(panel.quantity)
    seen = panel.groupby("product_id").x.agg(["size", "std"])
    kept = seen.index[(seen["size"] >= LEAST_WEEKS) & (seen["std"] > LEAST_SD)]
    products = pd.read_parquet(source / "products.parquet", columns=["product_id", "department", "product_category"])
    named = products.product_category.fillna("other " + products.department.astype(str))
    category = pd.Series(named.to_numpy(), index=products.product_id)
    panel = panel[panel.product_id.isin(kept)].copy()
    panel["item"], _ = pd.factorize(panel.product_id, sort=True)
    panel["category"], _ = pd.factorize(panel.product_id.map(category), sort=True)
    return panel


def _between(panel: pd.DataFrame, weeks: tuple[int, int]) -> pd.DataFrame:
    return panel[panel.week.between(*weeks)]


def compare(panel: pd.DataFrame, config: ElasticityConfig, weeks: tuple[int, int] = LEARN) -> tuple[list[Row], float]:
    """All ways to predict, and the milliseconds that ours takes to learn."""
    learn, ask = _between(panel, weeks), _between(panel, ASK)
    category = panel.groupby("item").category.first().to_numpy()
    seen = Observations(learn.item.to_numpy(), learn.week.to_numpy() - weeks[0], learn.x.to_numpy(), learn.y.to_numpy())
    begun = time.perf_counter()
    slopes = slopes_of(seen, category, config)
    ours = shrink(slopes, category, config).mean
    milliseconds = 1000 * (time.perf_counter() - begun)
    none = np.zeros(len(category))
    level = learn.groupby("item")[["x", "y"]].mean()
    ask = ask[ask.item.isin(level.index)]
    usual = level.loc[ask.item]
    move = ask.x.to_numpy() - usual.x.to_numpy()
    above = ask.y.to_numpy() - usual.y.to_numpy()
    moved, held = np.abs(move) > MOVE, np.array(level.index)
    told = held[np.isfinite(slopes.variance[held])]

    def row(name: str, slope: NDArray[np.float64], judged: NDArray[np.integer]) -> Row:
        error = (above - slope[ask.item.to_numpy()] * move) ** 2
        return Row(
            name, float(np.sqrt(error.mean())), float(np.sqrt(error[moved].mean())), float((slope[judged] > 0).mean())
        )

    ways = [
        row("no price effect", none, held),
        row("OLS per product", slopes.slope, told),
        row("one pooled slope", none + slopes.pooled, held),
        row("store, category, SKU", ours, held),
        row("the same, as decisions take it", np.minimum(ours, LEAST_ELASTIC), held),
    ]
    return ways, milliseconds


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of The Complete Journey's Parquet files")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    given = parser.parse_args()
    panel = weekly(given.source)
    rows, milliseconds = compare(panel, ElasticityConfig())
    if given.json:
        print(json.dumps({"products": panel.item.nunique(), "ms": milliseconds, "rows": [r._asdict() for r in rows]}))
        return
    title = f"{panel.item.nunique():,} products, weeks {LEARN[0]} to {LEARN[1]} asked about {ASK[0]} to {ASK[1]}"
    table = Table(title=title, box=None)
    for name in ("", "RMSE", "RMSE at moves > 10 %", "wrong signs"):
        table.add_column(name, justify="right" if name else "left")
    for each in rows:
        table.add_row(each.name, f"{each.rmse:.3f}", f"{each.rmse_moved:.3f}", f"{each.wrong_signs:.1%}")
    console = Console()
    console.print(table)
    console.print(f"Learnt in {milliseconds:.0f} ms.")


if __name__ == "__main__":
    main()
