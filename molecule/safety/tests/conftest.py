"""The fixtures that all scenarios' checks share."""

from checks.conftest import stack

__all__ = ["stack"]
