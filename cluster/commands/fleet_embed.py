"""`basketry fleet embed`: all catalogs of a fleet, embedded before their runs."""

from collections.abc import Mapping
from typing import Any

from cluster.commands.terminal import LiveProgress, err, out, print_json
from configs.flags import merged
from configs.settings import given, load_settings
from pipeline.storage import Place

DEGRADED, FAILED = 3, 1


def fleet_embed_command(
    source: str, assignments: Mapping[str, Any], *, workers: int | None, address: str | None,
    data_dir: Place | None, as_json: bool,
) -> int:  # fmt: skip
    """Embed what has no vector of every store below `source`; what was embedded before is skipped."""
    flags = {"data_dir": data_dir, "cluster": {"workers": workers, "address": address}}
    settings = load_settings(merged(assignments, given(flags)))
    from cluster.session import RaySession

    with LiveProgress(quiet=as_json) as progress, RaySession(settings.cluster) as session:
        progress.phase("starting Ray")
        session.wait()
        from cluster.bulk import FleetEmbedder

        found = FleetEmbedder(settings, progress).embed(source)
    rate = found.embedded / found.seconds if found.embedded else 0.0
    if as_json:
        counts = {"stores": found.stores, "embedded": found.embedded, "skipped": found.skipped}
        times = {"seconds": round(found.seconds, 3), "texts_per_second": round(rate, 1)}
        print_json(counts | times | {"refused": found.refused})
    else:
        out.print(
            f"[bold]{found.stores:,}[/] stores: {found.embedded:,} texts embedded in {found.seconds:.1f} s"
            f" ({rate:,.0f} a second), {len(found.refused):,} stores refused"
        )
        for store, reason in found.refused.items():
            err.print(f"  {store}: {reason}".replace("[", "\\["))
    return 0 if not found.refused else FAILED if len(found.refused) == found.stores else DEGRADED
