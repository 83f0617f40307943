"""Settings as a command line gives them."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]  # it brings no stubs
from pydantic import ValidationError

from configs.settings import as_settings_error
from pipeline.context.rules_config import RulesConfig
from pipeline.errors import SettingsError


def parse_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Settings of texts such as `portfolio.limit=10`, nested; values are YAML.

    >>> parse_assignments(["portfolio.limit=10", "rules.exclude=['sku:1']", "seed=3"])
    {'portfolio': {'limit': 10}, 'rules': {'exclude': ['sku:1']}, 'seed': 3}
    """
    nested: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        *groups, last = [part.strip() for part in name.split(".")]
        if not equals or not last or not all(groups):
            raise SettingsError(f"--set {text!r} sets nothing; expected name=value, such as portfolio.limit=10")
        place = nested
        try:
            for group in groups:
                place = place.setdefault(group, {})
            place[last] = yaml.safe_load(value)
        except (yaml.YAMLError, TypeError, AttributeError):
            raise SettingsError(f"--set {text!r}: the value is no YAML; expected one such as 10 or [a, b]") from None
    return nested


def parse_rules(
    exclude: Iterable[str] | None, pin: Iterable[str] | None, never_together: Iterable[str] | None,
    min_price: str | None, max_price: str | None,
) -> RulesConfig:  # fmt: skip
    """A store's rules as flags give them: selectors, pairs such as `A,B`, and prices."""
    pairs = [tuple(text.split(",")) for text in never_together or ()]
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise SettingsError(f"--never-together {','.join(wrong[0])!r} is no pair; expected two SKUs, such as A,B")
    values = {
        "exclude": list(exclude or ()), "pin": list(pin or ()), "never_together": pairs, "min_price": min_price,
        "max_price": max_price,
    }  # fmt: skip
    try:
        return RulesConfig.model_validate(values)
    except ValidationError as error:
        raise as_settings_error(error, RulesConfig) from None


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings with `changes` on top."""
    both = dict(base)
    for name, value in changes.items():
        below = both.get(name)
        both[name] = merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return both
