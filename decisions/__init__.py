"""What a recommendation is and what may happen to it; no I/O."""
