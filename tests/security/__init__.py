"""Attacks on the real server; each one succeeded before its fix."""
