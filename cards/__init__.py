"""Adaptive Cards: record in, card out; pure."""
