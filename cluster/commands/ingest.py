"""`basketry ingest`: the snapshot and the reject report only."""

from pathlib import Path
from typing import Any

from rich.table import Table

from cluster.commands.terminal import out, print_json
from cluster.uploads import take_upload
from configs.settings import load_settings
from pipeline.storage import Place


def ingest_command(
    folder: Path, store: str | None, target: Path | None, *, data_dir: Place | None, as_json: bool
) -> int:
    """Read a store's files and say what was taken and what was not."""
    settings = load_settings({"data_dir": data_dir})
    upload = take_upload(folder, store or folder.resolve().name, settings)
    if target:
        target.mkdir(parents=True, exist_ok=True)
        upload.report.write_rejects(target / "rejects.csv")
    snapshot, report = upload.snapshot, upload.report.to_json()
    summary = {
        "store": snapshot.store,
        "snapshot": snapshot.sha256,
        "products": len(snapshot.catalog),
        "sellable": int(snapshot.catalog.is_sellable.sum()),
        "orders": len(snapshot.orders),
        "currency": snapshot.currency,
        "report": report,
        "out": str(target) if target else None,
    }
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    return 0


def _show(summary: dict[str, Any]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("file", "table", "layout", "records", "accepted", "rejected"):
        table.add_column(name, justify="right" if name in ("records", "accepted", "rejected") else "left")
    for file in summary["report"]["files"]:
        table.add_row(
            file["file"].replace("[", "\\["), str(file["table"]), str(file["layout"]), f"{file['records']:,}",
            f"{file['accepted']:,}", f"{file['rejected']:,}",
        )  # fmt: skip
    out.print(table)
    for file in summary["report"]["files"]:
        for note in file["notes"]:
            out.print(f"  {file['file']}: {note}".replace("[", "\\["))
    for note in summary["report"].get("notes", []):
        out.print(f"  {note}".replace("[", "\\["))
    unmatched = summary["report"].get("unmatched", [])
    if unmatched:
        lines = sum(row["lines"] for row in unmatched)
        out.print(f"  {lines:,} order lines match no product ({len(unmatched):,} SKUs or titles)")
    out.print(
        f"\n[bold]{summary['store']}[/]: {summary['products']:,} products ({summary['sellable']:,} sellable), "
        f"{summary['orders']:,} orders, {summary['currency']}\nsnapshot {summary['snapshot']}"
    )
