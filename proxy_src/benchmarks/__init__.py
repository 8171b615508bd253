"""Measures the gateway against nginx, a naive aiohttp proxy and LiteLLM.

`make bench` runs it, docs/performance.md explains it.
"""
