"""What is known of a client's session: requests, tokens, and the server that holds its prompts."""
