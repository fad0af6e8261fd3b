"""The folder that holds everything of a demo, so that a second run continues the first."""

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from decisions.errors import CountersignError
from decisions.signature import SigningKey


class ForeignFolderError(CountersignError):
    """The folder to be emptied was not made by the demo."""

    def __init__(self, path: Path) -> None:
        """Say what to do."""
        self.path = path
        super().__init__(
            f"{path} holds files that the demo did not put there, so --fresh leaves it alone. "
            "Name another folder with --state, or remove this one yourself."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What an administrator would choose; made once, of no use outside this machine."""

    app: str
    webhook: str
    signing: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Where each file of the demo is."""

    path: Path

    @property
    def database(self) -> Path:
        """Return the bot's SQLite file."""
        return self.path / "countersign.db"

    @property
    def erp(self) -> Path:
        """Return the ERP's file."""
        return self.path / "erp.db"

    @property
    def routing(self) -> Path:
        """Return the routing file; people may edit it between two runs."""
        return self.path / "routing.yaml"

    @property
    def key(self) -> Path:
        """Return the file with the API key of the demo's planner."""
        return self.path / "api-key"

    @property
    def secrets(self) -> Path:
        """Return the file with the bot's secrets."""
        return self.path / "secrets.json"

    @property
    def example(self) -> Path:
        """Return a recommendation to send by hand."""
        return self.path / "example.json"

    @property
    def log(self) -> Path:
        """Return the file that the bot logs to."""
        return self.path / "countersign.log"

    @property
    def playground(self) -> Path:
        """Return the folder that the Playground is started in."""
        return self.path / "playground"

    @property
    def ready(self) -> Path:
        """Return the mark that the past is complete; without it the next run starts over."""
        return self.path / "ready"


_MARK = "Made by `countersign demo`; `countersign demo --fresh` empties this folder.\n"


def open_folder(path: Path, *, fresh: bool) -> Folder:
    """Make the folder, or empty it when it is to be fresh or its past was never completed.

    Raises:
        ForeignFolderError: it would have to be emptied, and is not ours.
    """
    folder = Folder(path.resolve())
    mark = folder.path / "README"
    if fresh or not folder.ready.exists():
        if folder.path.exists() and any(folder.path.iterdir()) and not mark.exists():
            raise ForeignFolderError(path)
        shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark.write_text(_MARK, encoding="utf-8")
    if not folder.routing.exists():
        example = files("bot.demo").joinpath("routing.yaml").read_text(encoding="utf-8")
        folder.routing.write_text(example, encoding="utf-8")
    return folder


def secrets_of(folder: Folder) -> Secrets:
    """Return the secrets of this demo; those that are not there yet are made."""
    made = {
        "app": secrets.token_urlsafe(32),
        "webhook": secrets.token_urlsafe(32),
        "signing": SigningKey.new().pem,
    }
    if folder.secrets.exists():
        made |= json.loads(folder.secrets.read_text(encoding="utf-8"))
    keep_secret(folder.secrets, json.dumps(made, indent=2))
    return Secrets(**made)


def keep_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
