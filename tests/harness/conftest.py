"""Makes the harness, the stand-in provider and the runner importable."""

from __future__ import annotations

import importlib.util
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "molecule/shared"), str(ROOT / "molecule/shared/provider")]

from hx_provider_standin.server import Server  # noqa: E402


@pytest.fixture
def provider() -> Iterator[Server]:
    """A stand-in on a free port of loopback."""
    with Server("127.0.0.1", 0, keep=5) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def runner() -> ModuleType:
    """The program tests/run as a module."""
    loader = SourceFileLoader("hx_gateway_runner", str(ROOT / "tests/run"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module
