"""Attacks on the real server; each one succeeded once."""
