"""A stand-in for a model provider, for tests and the local inventory: it speaks OpenAI's and Ollama's protocols.

No model runs here. A chat answer repeats the last user message, an embedding is a hash of the text's words, and what
was received can be read at /_record. Only the standard library is used.
"""
