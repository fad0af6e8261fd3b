"""Tryton 8, over JSON-RPC; it runs in its own process, and nothing of it is imported here."""
