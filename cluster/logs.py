"""Logs: one place that says how they look. Ids go along, nothing personal does.

A person gets progress and sentences at the terminal (`cluster.commands.terminal`); a platform team switches
`log_format` to `json` and gets one object a line on standard error, from the driver and the coordinator. Workers only
compute: what went wrong in them comes back as the record's reasons.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

LogFormat = Literal["off", "json"]


def set_up_logs(log_format: LogFormat) -> None:
    """Decide, once a process, where `log` goes: nowhere, or to standard error as JSON lines."""
    level = logging.INFO if log_format == "json" else logging.CRITICAL
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _in_reading_order,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Looked up for each line: whoever exchanges standard error, or closes it, has said where the next one goes.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log(event: str, **ids: Any) -> None:
    """Say that something happened: `log("run ended", store=…, run=…, state=…)`."""
    structlog.get_logger().info(event, **ids)


def log_problem(event: str, **ids: Any) -> None:
    """Say that something went wrong and somebody should look."""
    structlog.get_logger().warning(event, **ids)


def log_run(record: Mapping[str, Any]) -> None:
    """Say how a run ended, with what a search in the logs asks for first.

    Args:
        record: As in `run.json`.
    """
    tell = log if record["status"] == "succeeded" else log_problem
    tell(
        "run ended",
        store=record["store"],
        run=record["run_id"],
        state=record["status"],
        bundles=record["diversity_selection"]["final_bundle_count"],
        candidates=record["candidates_generated"],
        milliseconds=record["phase_timings"]["total"],
        reasons=[reason["code"] for reason in record["reasons"]],
    )


def _in_reading_order(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Time, level and event first, then ids as they were given."""
    first = ("timestamp", "level", "event")
    return {key: event[key] for key in first} | {key: value for key, value in event.items() if key not in first}
