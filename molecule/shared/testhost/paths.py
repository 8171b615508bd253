"""Where the harness keeps things: all of it in the checkout's git-ignored cache folder."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
CACHE = CHECKOUT / ".cache"
IMAGES = CACHE / "images"
PIP_CACHE = CACHE / "pip"
WHEELS = CACHE / "wheels"
APT_CACHE = CACHE / "apt"
ACCESS = CACHE / "testhost"
