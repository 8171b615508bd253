"""Traces for a collector. Only `spans` and `sender` import OpenTelemetry, which is an extra."""
