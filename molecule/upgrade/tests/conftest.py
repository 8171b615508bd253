"""What the checks of this scenario share."""

from checks.conftest import litellm_api, query, stack

__all__ = ["litellm_api", "query", "stack"]
