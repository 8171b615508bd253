"""The gateway's own middlewares, one concern each."""
