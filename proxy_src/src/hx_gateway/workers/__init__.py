"""Several workers as one gateway: what they ask of each other and how their answers are put together."""
