"""`basketry config show`: the settings in force, and where each came from."""

import json
import re
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from cluster.commands.terminal import out, print_json
from configs.origins import Origin, origins
from pipeline.storage import Place

PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*(?=@)")
"""A password within a URL."""


def config_command(
    changes: Mapping[str, Any], *, data_dir: Place | None, with_origin: bool, as_json: bool, only_changed: bool = False
) -> int:
    """Print every setting.

    Args:
        changes: Settings given as flags, nested.
        data_dir: The data folder, where a flag names it.
        with_origin: Say where each value came from.
        as_json: One JSON object.
        only_changed: Leave out those at their default.
    """
    flags = dict(changes) | ({"data_dir": str(data_dir)} if data_dir else {})
    rows = [row for row in origins(flags) if not only_changed or row.origin != "default"]
    if as_json:
        print_json({row.name: _wire(row, with_origin) for row in rows})
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for row in rows:
        shown = json.dumps(_shown(row.value), ensure_ascii=False)
        table.add_row(row.name, *(text.replace("[", "\\[") for text in (shown, row.origin if with_origin else "")))
    out.print(table)
    return 0


def _wire(row: Origin, with_origin: bool) -> Any:
    value = _shown(row.value)
    return {"value": value, "origin": row.origin} if with_origin else value


def _shown(value: Any) -> Any:
    """The value, without the password of a URL."""
    return PASSWORD.sub(r"\1:***", value) if isinstance(value, str) else value
