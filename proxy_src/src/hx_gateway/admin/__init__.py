"""What an operator may ask of a running gateway, on a unix socket of its own that only its user and root can open."""
