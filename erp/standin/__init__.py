"""A server shaped like Business Central, with its quirks, for the demo and the tests."""
