"""Reverse proxy in front of LiteLLM: one pipeline of middlewares, everything streamed."""

__version__ = "1.0.0"
