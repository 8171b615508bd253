"""Where the gateway keeps what outlives a request: interfaces, each in memory and in Redis."""
