"""A port for a program that is about to start."""

import random
import socket


def a_free_port():
    """Return a port that nobody listens on, below those that outgoing connections are given.

    One of theirs could be taken between now and when the program listens.
    """
    while True:
        port = random.randrange(20000, 32000)  # noqa: S311  any will do
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
