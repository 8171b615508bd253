"""A record of every request, in PostgreSQL: queued on the request path, written in batches beside it."""
