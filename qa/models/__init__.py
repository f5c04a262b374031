"""Weights of language models: which are known, where they come from, what they are kept as."""
