"""Attacks on the running program, for ever."""
