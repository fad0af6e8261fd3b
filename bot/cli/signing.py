"""`countersign keys signing`: the pair of keys behind every approval."""

import os
from pathlib import Path

import click

from decisions.errors import CountersignError
from decisions.signature import SigningKey


class KeyThereError(CountersignError):
    """A private key would be overwritten."""

    def __init__(self, path: Path) -> None:
        """Say what to do instead."""
        super().__init__(
            f"{path} is there already, and an approval that it signed may still wait. Give the "
            "new key another name, and see docs/keys.md for changing over."
        )


def make_pair(private: Path, public: Path) -> None:
    """Make a pair; the private key gets a file of its own, the public one joins its list.

    Raises:
        KeyThereError: the private file exists.
    """
    key = SigningKey.new()
    try:
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyThereError(private) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.pem)
    with public.open("a", encoding="ascii") as file:
        file.write(key.public_pem)
    click.echo(
        f"Key {key.id}\n"
        f"  {private}: private; give it to the web role alone (COUNTERSIGN_SIGNING_KEY_FILE)\n"
        f"  {public}: public; give it to the writer (COUNTERSIGN_VERIFY_KEYS_FILE) and to auditors"
    )
