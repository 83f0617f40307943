"""Errors that say whose fault it is.

    BasketryError
    ├── DataError            what the store handed over can't be used (exit code 2)
    │   ├── UnreadableFileError      a file that is no table, or breaks its own quoting
    │   ├── UnknownLayoutError       columns that match no known table
    │   ├── LimitExceededError       a file past a limit of the settings
    │   ├── TooManyRejectsError      more rejected records than the settings allow
    │   ├── MixedCurrencyError       orders in several currencies
    │   └── EmptyStoreError          nothing to work on
    ├── SettingsError        a setting that is unknown or out of range (exit code 2)
    ├── NotFoundError        a run, bundle or store nobody knows (exit code 2)
    ├── LeakError            a holdout whose training side knows the future (exit code 1)
    └── PlatformError        the machine or the cluster failed us (exit code 1)
        ├── EmbeddingError           a model that can't be trusted, or vectors that can't be used
        ├── ModelError               a remote model gave no answer that can be used; its `fault` says why:
        │     tried again:      rate_limited, unavailable, timed_out, bad_output
        │     not tried again:  refused, truncated, bad_request, too_large, circuit_open, deadline, no_budget, not_kept
        │     ends all calls:   bad_key, no_quota
        ├── StorageError             an object store that fails, however often it is asked
        ├── SchemaError              a database whose tables are not the ones this version reads
        ├── RunStateError            a write to a run that is not open for it
        └── LostLeaseError           a write by one whose run was given to another meanwhile

An error keeps its own arguments, so that it comes home from a worker as itself.
"""

from enum import StrEnum


class BasketryError(Exception):
    """Root of everything Basketry raises on purpose."""


class DataError(BasketryError):
    """What the store handed over can't be used; nothing was changed."""


class UnreadableFileError(DataError):
    """A file that can't be read as a table."""

    def __init__(self, file: str, found: str, line: int | None = None) -> None:
        super().__init__(file, found, line)
        self.file, self.found, self.line = file, found, line

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{where}: {self.found}"


class UnknownLayoutError(DataError):
    """A file whose columns match no table we know."""

    def __init__(self, file: str, columns: tuple[str, ...], expected: str) -> None:
        super().__init__(file, columns, expected)
        self.file, self.columns, self.expected = file, columns, expected

    def __str__(self) -> str:
        shown = ", ".join(self.columns[:8]) + (", …" if len(self.columns) > 8 else "")
        return f"{self.file}: the columns ({shown}) match no known table; expected {self.expected}"


class LimitExceededError(DataError):
    """A file past one of the limits of the settings."""

    def __init__(self, file: str, what: str, found: int, limit: int, setting: str) -> None:
        super().__init__(file, what, found, limit, setting)
        self.file, self.what, self.found, self.limit, self.setting = file, what, found, limit, setting

    def __str__(self) -> str:
        return f"{self.file}: {self.found:,} {self.what}, more than the {self.limit:,} that {self.setting} allows"


class TooManyRejectsError(DataError):
    """So many rejected records that the rest can't be trusted."""

    def __init__(self, file: str, rejected: int, records: int, allowed_share: float, most_common: str) -> None:
        super().__init__(file, rejected, records, allowed_share, most_common)
        self.file, self.rejected, self.records = file, rejected, records
        self.allowed_share, self.most_common = allowed_share, most_common

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.rejected:,} of {self.records:,} records were rejected "
            f"(most often {self.most_common}), more than the {self.allowed_share:.0%} "
            "that ingest.max_reject_share allows"
        )


class MixedCurrencyError(DataError):
    """Orders in several currencies, and no setting that names one."""

    def __init__(self, currencies: tuple[str, ...]) -> None:
        super().__init__(currencies)
        self.currencies = currencies

    def __str__(self) -> str:
        return f"orders are in {', '.join(self.currencies)}; name the store's own with ingest.currency"


class EmptyStoreError(DataError):
    """A folder without anything to make bundles of."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return self.what


class SettingsError(BasketryError):
    """A setting that is unknown or out of range."""


class NotFoundError(BasketryError):
    """A run, bundle or store nobody knows."""

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        super().__init__(kind, name, hint)
        self.kind, self.name, self.hint = kind, name, hint

    def __str__(self) -> str:
        return f"no {self.kind} {self.name!r}" + (f"; {self.hint}" if self.hint else "")


class LeakError(BasketryError):
    """A training view that holds what happened on the held-out days: a defect of ours, never of the data."""

    def __init__(self, cut: str, placed: int, cancelled: int) -> None:
        super().__init__(cut, placed, cancelled)
        self.cut, self.placed, self.cancelled = cut, placed, cancelled

    def __str__(self) -> str:
        return (
            f"the training view of a holdout at {self.cut} holds {self.placed} orders and {self.cancelled} "
            "cancellations of that day or later; expected none: take the view from pipeline.evaluation.holdout.before"
        )


class PlatformError(BasketryError):
    """The machine, the cluster or the database failed us."""


class EmbeddingError(PlatformError):
    """An embedding model that can't be trusted, or vectors that can't be used."""


class ModelFault(StrEnum):
    """Why a remote model gave no answer that can be used: the one taxonomy, whatever the provider calls it."""

    RATE_LIMITED = "rate_limited"
    """Too many requests or tokens; it may have said when to come back."""
    UNAVAILABLE = "unavailable"
    """Nobody listens, the connection broke, or the server failed."""
    TIMED_OUT = "timed_out"
    """No whole answer within the time of one call."""
    BAD_OUTPUT = "bad_output"
    """An answer that is not what was asked for: not of the schema, or vectors of a wrong number, width or length."""
    REFUSED = "refused"
    """The model, or a filter before it, would not answer."""
    TRUNCATED = "truncated"
    """The answer was longer than the most tokens it was given."""
    BAD_REQUEST = "bad_request"
    """The server does not take this request: a model, parameter or address it does not know."""
    TOO_LARGE = "too_large"
    """One call asks for more than the limits of the settings could ever let through."""
    BAD_KEY = "bad_key"
    """The key is missing, unknown or not allowed to do this."""
    NO_QUOTA = "no_quota"
    """The account has no money left at the provider."""
    NO_BUDGET = "no_budget"
    """The budget of the run, or of the store's day, does not cover what the call might cost."""
    CIRCUIT_OPEN = "circuit_open"
    """Too many calls failed just now: nothing is asked until a probe succeeds."""
    DEADLINE = "deadline"
    """Time was up."""
    NOT_KEPT = "not_kept"
    """Nothing may be asked, and no such answer was kept."""


class ModelError(PlatformError):
    """A remote model gave no answer that can be used."""

    def __init__(self, fault: ModelFault, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(fault, detail, retry_after_s)
        self.fault, self.detail, self.retry_after_s = fault, detail, retry_after_s

    def __str__(self) -> str:
        return f"{self.fault}: {self.detail}"


class StorageError(PlatformError):
    """An object store that fails, however often it is asked, or lets us do nothing."""


class SchemaError(PlatformError):
    """A database whose tables are not the ones this version reads and writes."""


class RunStateError(PlatformError):
    """A write to a run that is not open for it: unknown here, or finished before."""

    def __init__(self, run_id: str, state: str, attempted: str) -> None:
        super().__init__(run_id, state, attempted)
        self.run_id, self.state, self.attempted = run_id, state, attempted

    def __str__(self) -> str:
        found = f"run {self.run_id} is {self.state} and can't {self.attempted}"
        return f"{found}; expected it queued or running; start a new run"


class LostLeaseError(PlatformError):
    """A write by a coordinator that was silent for too long: its run was given to another, or back to the queue."""

    def __init__(self, run_id: str, fence: int) -> None:
        super().__init__(run_id, fence)
        self.run_id, self.fence = run_id, fence

    def __str__(self) -> str:
        return (
            f"run {self.run_id} is no longer held under fence {self.fence}: its lease ended and another may have it; "
            "what was worked out for it was dropped"
        )
