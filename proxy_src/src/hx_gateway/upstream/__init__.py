"""How the gateway speaks to LiteLLM."""
