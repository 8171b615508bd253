"""The fixtures that all scenarios' checks share."""

from checks.conftest import litellm_api, query, stack

__all__ = ["litellm_api", "query", "stack"]
