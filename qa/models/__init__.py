"""Weights of language models: the catalogue, downloads, and their forms in the cache."""
