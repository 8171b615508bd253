"""The configuration file: a module for each group of sections, `model` for the whole, `file` to read it.

Durations are seconds, sizes are bytes, and 0 turns a timeout or a limit off where that is said. No key holds a
secret: secrets come from the environment only.
"""

from hx_gateway.config.base import ConfigError
from hx_gateway.config.file import load
from hx_gateway.config.model import Config

__all__ = ["Config", "ConfigError", "load"]
