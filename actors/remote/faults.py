"""What an SDK or a server says went wrong, in our own words; never a key."""

from collections.abc import Mapping

import httpx2
import openai

from pipeline.errors import ModelError, ModelFault

DETAIL_CHARACTERS = 160
"""Longest part of a server's own words that goes into an error."""

NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Codes that come with 429 or 400 and will not go away by waiting."""

BY_STATUS: Mapping[int, ModelFault] = {
    401: ModelFault.BAD_KEY,
    402: ModelFault.NO_QUOTA,
    403: ModelFault.BAD_KEY,
    408: ModelFault.TIMED_OUT,
    409: ModelFault.UNAVAILABLE,
    413: ModelFault.TOO_LARGE,
    429: ModelFault.RATE_LIMITED,
    501: ModelFault.BAD_REQUEST,
}

ADVICE: Mapping[ModelFault, str] = {
    ModelFault.BAD_KEY: "the endpoint does not take the key; check OPENAI_API_KEY or models.api_key_file",
    ModelFault.NO_QUOTA: "the account at the provider has no money left; add some, or use another key",
}
"""What is said instead of the server's own words, which for these may hold a part of the key."""


def model_error(error: BaseException, key: str | None = None) -> ModelError:
    """The error of one call as a `ModelError`.

    Args:
        error: What the SDK raised.
        key: The key in use: it is cut out of whatever the server says.
    """
    if isinstance(error, ModelError):
        return error
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, key)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return ModelError(ModelFault.TIMED_OUT, "no whole answer in time")
    if isinstance(error, openai.APIConnectionError):
        return ModelError(ModelFault.UNAVAILABLE, f"no connection: {plain(str(error.__cause__ or error), key)}")
    said = f"{type(error).__name__}: {plain(str(error), key)}"
    return ModelError(ModelFault.BAD_OUTPUT, f"the answer is none of this interface ({said})")


def may_have_cost(error: BaseException) -> bool:
    """Whether a call that failed may be on the bill all the same: it was sent, and nobody said that it was refused."""
    if isinstance(error, openai.APIStatusError | ModelError):
        return False
    if isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError):
        return not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
    return True


def plain(text: str, key: str | None = None) -> str:
    r"""A server's words on one line, short, without control characters and without the key.

    >>> plain("bad key\n sk-secret\x1b[31m", "sk-secret")
    'bad key [key][31m'
    """
    words = " ".join(text.split())
    if key:
        words = words.replace(key, "[key]")
    kept = "".join(letter for letter in words if letter.isprintable())
    return kept if len(kept) <= DETAIL_CHARACTERS else kept[: DETAIL_CHARACTERS - 1] + "…"


def _of_status(error: openai.APIStatusError, key: str | None) -> ModelError:
    codes = {error.code, error.type}
    default = ModelFault.UNAVAILABLE if error.status_code >= 500 else ModelFault.BAD_REQUEST
    fault = ModelFault.NO_QUOTA if codes & NO_MONEY else BY_STATUS.get(error.status_code, default)
    said = ADVICE.get(fault) or plain(error.message, key)
    return ModelError(fault, f"HTTP {error.status_code}: {said}", retry_after_s(error.response.headers))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds a server asks to wait: `retry-after-ms`, or `retry-after` in seconds; a date there is not looked at."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
