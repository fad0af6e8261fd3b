"""Sage X3, GraphQL; only read."""
