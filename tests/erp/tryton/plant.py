"""A real Tryton in its own process and environment, and the works that the tests start from."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.bot.demo.free_port import a_free_port
from tests.erp.tryton import company
from tests.erp.tryton.office import Office

HERE = Path(__file__).parents[3]
VENV = HERE / ".venv-tryton"
LOCK = HERE / "requirements" / "tryton.txt"
DATABASE = "works"
ADMIN = ("admin", "sets-up-and-edits-1")
PATIENCE = 60.0


class NotStartedError(Exception):
    """Tryton did not come up; the text holds what it said."""


class Plant:
    """The server, and the ways to put its database back to where every test starts."""

    def __init__(self, url, folder):
        self.url = url
        self._live = folder / f"{DATABASE}.sqlite"
        self._start = folder / "start"
        self.office = Office(f"{url}/{DATABASE}", *ADMIN)
        (self.office.context["company"],) = self.office.find("company.company")
        self.today = self.office.do("ir.date.today")
        # Given out once, and kept: a log-in costs Tryton a slow hash, which is not on trial here.
        self.sessions = {
            log_in: Office(f"{url}/{DATABASE}", *log_in).session
            for log_in in (company.READER, company.WRITER)
        }
        with closing(sqlite3.connect(self._live)) as live, closing(self._copy()) as start:
            live.backup(start)

    def reset(self):
        """Put everything back, the office's session included; Tryton sees it as one commit."""
        with closing(self._copy()) as start, closing(sqlite3.connect(self._live)) as live:
            start.backup(live)

    def _copy(self):
        return sqlite3.connect(self._start)


def skip_unless_installed():
    """Leave a module of tests out where there is no Tryton, unless it was asked for."""
    if not (VENV / "bin" / "trytond").exists() and "TRYTON_REQUIRED" not in os.environ:
        pytest.skip("no Tryton here; `make test-tryton` gets one", allow_module_level=True)


@contextmanager
def running(folder):
    """Start Tryton on the works; stop it afterwards."""
    shutil.copy(works(), folder / f"{DATABASE}.sqlite")
    with _served(folder, DATABASE) as url:
        yield Plant(url, folder)


def works():
    """Return the database with the works in it, made once for each change of what makes it."""
    made_from = (LOCK, Path(company.__file__))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()
    kept = VENV / f"works-{digest[:16]}.sqlite"
    if kept.exists():
        return kept
    making = VENV / f"making-{os.getpid()}"
    making.mkdir()
    try:
        _create(making)
        with _served(making, DATABASE) as url:
            company.set_up(Office(f"{url}/{DATABASE}", *ADMIN))
        file = making / f"{DATABASE}.sqlite"
        with closing(sqlite3.connect(file)) as live:
            live.execute("PRAGMA journal_mode=DELETE")
        for older in VENV.glob("works-*.sqlite"):
            older.unlink()
        file.rename(kept)
    finally:
        shutil.rmtree(making)
    return kept


def _create(folder):
    (folder / f"{DATABASE}.sqlite").touch()
    password = folder / "password"
    password.write_text(ADMIN[1])
    command = [
        VENV / "bin" / "trytond-admin",
        *(
            "--config",
            _configured(folder, 1),
            "--database",
            DATABASE,
            "--email",
            "admin@example.com",
        ),
        *("--activate-dependencies", "--update", "ir", "res", *company.MODULES),
    ]
    done = subprocess.run(  # noqa: S603  our own environment
        command,
        env={**os.environ, "TRYTONPASSFILE": str(password)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotStartedError(done.stderr[-2000:])


def _configured(folder, port):
    file = folder / "trytond.conf"
    file.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n"
        "[session]\ntimeout = 3600\n"
    )
    return file


@contextmanager
def _served(folder, database):
    port = a_free_port()
    with ExitStack() as stack:
        log = stack.enter_context((folder / "trytond.log").open("w+"))
        # Named, so that it is loaded before it listens: what is loaded by a first log-in
        # stays half loaded (8.2.1).
        server = subprocess.Popen(  # noqa: S603  our own environment
            [
                VENV / "bin" / "trytond",
                *("--config", _configured(folder, port), "--database", database),
            ],
            stdout=log,
            stderr=log,
        )
        stack.callback(_stop, server)
        url = f"http://127.0.0.1:{port}"
        _wait(url, server, log)
        yield url


def _wait(url, server, log):
    until = time.monotonic() + PATIENCE
    body = b'{"id":1,"method":"common.server.version","params":[]}'
    request = Request(  # noqa: S310  our own server on loopback
        f"{url}/rpc/", data=body, headers={"Content-Type": "application/json"}
    )
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(request, timeout=5):  # noqa: S310  our own server on loopback
                return
        except HTTPError:
            return
        except URLError:
            time.sleep(0.05)
    log.seek(0)
    raise NotStartedError(f"trytond did not start:\n{log.read()[-2000:]}")


def _stop(server):
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
