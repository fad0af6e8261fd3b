"""What the program listens to over HTTP."""
