"""Every setting with its value and where that came from, and the page that documents them all."""

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_settings import EnvSettingsSource

from configs.settings import CONFIG_FILE, ENV_PREFIX, Settings, file_settings, load_settings

HEADING = """# Settings

Made by `make docs` from the settings themselves; `basketry config show --origin` prints those in force.

A flag goes before the environment, the environment before `basketry.yaml` in the current folder, and that before the
default. In the environment a name begins with `BASKETRY_` and groups are parted by two underscores; lists and groups
are JSON there. A name that nobody knows is refused, with the nearest one. `--set name=value` sets any of them for one
command.
"""


TABLE = "| setting | default | values | meaning |\n|---|---|---|---|"


class Setting(NamedTuple):
    """One setting."""

    name: str
    """Groups and name, joined by dots."""
    kind: str
    """Type of its values, as it is written."""
    default: Any
    """As JSON has it."""
    meaning: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return ENV_PREFIX + self.name.upper().replace(".", "__")


NAMED = {"DataPlace": "folder | URI", "Count": "int ≥ 1", "CurrencyCode | None": "ISO 4217 code | None"}
"""Types that have a name of their own in the source."""


class Origin(NamedTuple):
    """A setting's value, and where it came from."""

    name: str
    value: Any
    """As JSON has it."""
    origin: str
    """`flag`, `environment`, the name of the YAML file, or `default`."""


def settings_of(model: type[BaseModel] = Settings, path: str = "") -> Iterator[Setting]:
    """Every setting of `model` and of the groups in it, in the order they are written; groups after single ones."""
    written = _written(model)
    groups = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            groups.append((name, field.annotation))
            continue
        kind, meaning = written[name]
        yield Setting(f"{path}{name}", kind, _as_json(model, name, field.get_default()), meaning)
    for name, group in groups:
        yield from settings_of(group, f"{path}{name}.")


def origins(flags: Mapping[str, Any] | None = None) -> list[Origin]:
    """The settings in force.

    Args:
        flags: Values given on the command line, nested.

    Raises:
        SettingsError: as `load_settings`.
    """
    values = load_settings(flags).model_dump(mode="json")
    sources = (
        ("flag", flags or {}),
        ("environment", EnvSettingsSource(Settings)()),
        (str(CONFIG_FILE), file_settings(Settings)()),
    )
    found = []
    for setting in settings_of():
        path = setting.name.split(".")
        origin = next((name for name, source in sources if _has(source, path)), "default")
        found.append(Origin(setting.name, _at(values, path), origin))
    return found


def reference() -> str:
    """`docs/settings.md`."""
    parts = [HEADING]
    group = None
    for setting in settings_of():
        above = setting.name.rpartition(".")[0]
        if above != group:
            group = above
            parts.append(f"\n## {above or 'The service'}\n\n{_about(above)}{TABLE}")
        default = "" if setting.default is None else _cell(json.dumps(setting.default, ensure_ascii=False))
        parts.append(f"| `{setting.name}` | {default} | {_cell(_plain(setting.kind))} | {setting.meaning} |")
    return "\n".join(parts) + "\n"


def _cell(code: str) -> str:
    """Code in a table's cell."""
    return "`" + code.replace("|", "\\|") + "`"


def _plain(kind: str) -> str:
    """A type as people write it.

    >>> _plain("Annotated[int, Field(ge=1)] | None"), _plain("Literal['full', 'budget']")
    ('int ≥ 1 | None', 'full | budget')
    """
    kind = re.sub(r"Literal\[(.*?)\]", lambda found: found[1].replace("'", "").replace(", ", " | "), kind)
    kind = re.sub(r"Annotated\[(\w+), Field\((.*?)\)\]", r"\1 \2", kind)
    for written, sign in (("ge=", "≥ "), ("gt=", "> "), ("le=", "≤ "), ("lt=", "< ")):
        kind = kind.replace(written, sign)
    return NAMED.get(kind, kind)


def _about(group: str) -> str:
    model: Any = Settings
    for name in group.split(".") if group else ():
        model = model.model_fields[name].annotation
    return f"{inspect.cleandoc(model.__doc__).splitlines()[0]}\n\n" if group else ""


def _written(model: type[BaseModel]) -> dict[str, tuple[str, str]]:
    """Type and docstring of each field as the source has them, those of the classes below included."""
    found: dict[str, tuple[str, str]] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, BaseModel) or kind.__module__.startswith("pydantic"):
            continue
        body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body[0]
        for node, after in pairwise([*getattr(body, "body", []), ast.Pass()]):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = (ast.unparse(node.annotation), _text(after))
    return found


def _text(node: ast.AST) -> str:
    """A docstring on one line; empty for anything else."""
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return " ".join(node.value.value.split()) if is_text else ""  # type: ignore[attr-defined]


def _as_json(model: type[BaseModel], name: str, default: Any) -> Any:
    return model.model_construct(**{name: default}).model_dump(mode="json", include={name})[name]


def _has(source: Mapping[str, Any], path: list[str]) -> bool:
    """Whether a source says something of the setting at `path`."""
    below: Any = source
    for name in path:
        if not isinstance(below, Mapping):
            return below is not None
        if name not in below:
            return False
        below = below[name]
    return below is not None


def _at(values: Mapping[str, Any], path: list[str]) -> Any:
    below: Any = values
    for name in path:
        below = below[name]
    return below


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
