"""Reads the configuration file; its errors name the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from hx_gateway.config.base import ConfigError
from hx_gateway.config.model import Config

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path | None, *, upstream_url: str | None = None, listen: tuple[str, int] | None = None) -> Config:
    """Return the configuration in the YAML file `path`, with the given values in place of the file's.

    Raises ConfigError with one line: the file, the dotted path of the first wrong key, and the reason.
    """
    where = str(path) if path is not None else "command line"
    data = _read(path) if path is not None else {}
    if upstream_url is not None:
        data["upstream"] = _section(data, "upstream", where) | {"url": upstream_url}
    if listen is not None:
        data["listen"] = _section(data, "listen", where) | {"address": listen[0], "port": listen[1]}
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first_error(error)}") from None


def _section(data: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    section = data.get(key, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{where}: {key}: must be a mapping")
    return section


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, of which YAML would silently take the last."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception as error:  # PyYAML passes on what Python says of a date or a number that is none
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(None, None, f"no {kind}: {error}", node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str):
                if key in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key}: given twice", key_node.start_mark)
                seen.add(key)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8") from None
    try:
        data = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise ConfigError(f"{path}: {line}{error.problem}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: is not YAML") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must be a mapping of sections")
    return data


def _first_error(error: ValidationError) -> str:
    errors = error.errors(include_url=False, include_input=False)
    first = errors[0]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    reasons = {
        "extra_forbidden": "unknown key",
        "missing": "required, but not given",
        "model_type": "must be a mapping",
        "dict_type": "must be a mapping",
    }
    reason = reasons.get(first["type"])
    if reason is None:
        reason = first["msg"].removeprefix("Value error, ")
        reason = reason[0].lower() + reason[1:]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{key}: {reason}{more}" if key else f"{reason}{more}"
