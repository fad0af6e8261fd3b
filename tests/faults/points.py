"""Where the program can be struck: every commit, every request it sends, every answer it gives.

The points are found by watching, not listed: SQLAlchemy's commit, aiohttp's and requests' sending,
and aiohttp's answering are wrapped in the process that is to be struck. A point is a name and how
often it came up before in this process.
"""

import os
import re
import signal
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import aiohttp
import requests
from aiohttp import web
from sqlalchemy.engine.default import DefaultDialect

from storage.grouping import Grouping
from storage.jobs import Job

_WORD = re.compile(r"[A-Za-z][A-Za-z.-]{3,}")


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the life of a recommendation, in the `count`th time round."""

    name: str
    count: int

    def __str__(self):
        return self.name if self.count == 1 else f"{self.name} ({self.count})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What to do to whichever process first comes to a point; `once` is a file that says so."""

    point: Point
    fault: str
    once: Path


class Watch:
    """Counts the points of one process, writes them down, and strikes at one of them."""

    def __init__(self, *, record: Path | None = None, strike: Strike | None = None):
        self._record = record
        self._strike = strike
        self._counts = Counter()
        self._lock = threading.Lock()

    def passed(self, name):
        with self._lock:
            self._counts[name] += 1
            point = Point(name, self._counts[name])
            if self._record:
                with self._record.open("a") as file:
                    file.write(f"{point.name}\t{point.count}\n")
            if self._strike and point == self._strike.point and self._is_first():
                number = signal.SIGKILL if self._strike.fault == "kill" else signal.SIGSTOP
                os.kill(os.getpid(), number)

    def _is_first(self):
        try:
            os.close(os.open(self._strike.once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def install(self):
        """Wrap what commits and what talks."""
        commit, send = DefaultDialect.do_commit, requests.Session.send
        within = Grouping._within  # noqa: SLF001  where a turn ends that shares its commit
        ask, answer = aiohttp.ClientSession._request, web.StreamResponse.prepare  # noqa: SLF001  nothing public sees every request
        passed = self.passed

        @wraps(within)
        def do_within(grouping, connection, one):
            outcome = within(grouping, connection, one)
            names = getattr(outcome, "__code__", None)
            if names:  # it went well, and waits for the commit that it shares
                values = [cell.cell_contents for cell in outcome.__closure__]
                result = dict(zip(names.co_freevars, values, strict=True))["result"]
                _shared.turns = [*_turns_sharing(), _name(one.work, result)]
            return outcome

        @wraps(commit)
        def do_commit(dialect, connection):
            names = [name for name in (*_turns_sharing(), _turn()) if name]
            _shared.turns = []
            for name in names:
                passed(f"before commit: {name}")
            commit(dialect, connection)
            for name in names:
                passed(f"after commit: {name}")

        @wraps(send)
        def do_send(session, request, **options):
            name = f"{request.method} {_place(request.url)}"
            passed(f"before request: {name}")
            answered = send(session, request, **options)
            passed(f"after request: {name}")
            return answered

        @wraps(ask)
        async def do_ask(session, method, url, **options):
            name = f"{method} {_place(str(url))}"
            passed(f"before request: {name}")
            answered = await ask(session, method, url, **options)
            passed(f"after request: {name}")
            return answered

        @wraps(answer)
        async def do_answer(response, request):
            if not request.path.endswith("z"):
                passed(f"before answer: {request.method} {_place(request.path)}")
            return await answer(response, request)

        Grouping._within = do_within  # noqa: SLF001  see above
        DefaultDialect.do_commit = do_commit
        requests.Session.send = do_send
        aiohttp.ClientSession._request = do_ask  # noqa: SLF001  see above
        web.StreamResponse.prepare = do_answer


_shared = threading.local()


def _turns_sharing():
    return getattr(_shared, "turns", [])


def _turn():
    """Name the turn that is being committed by itself; None when it keeps nothing."""
    frame = sys._getframe(2)  # noqa: SLF001  the only way to see who commits
    while frame and not (frame.f_code.co_name == "turn" and "work" in frame.f_locals):
        frame = frame.f_back
    return _name(frame.f_locals["work"], frame.f_locals.get("result")) if frame else None


def _name(work, result):
    """Name a turn after the step that it belongs to; None when it keeps nothing."""
    module, place = work.__module__.rsplit(".", 1)[-1], work.__qualname__.split(".<locals>")[0]
    if place == "Worker._claim_some":
        kinds = sorted({job.kind for job in result or ()})
        return f"claim {', '.join(kinds)}" if kinds else None
    if place in ("Worker._renew", "running"):
        return None
    kind = next((f" {job.kind}" for job in _held(work) if isinstance(job, Job)), "")
    return f"{module}.{place.rsplit('.', 1)[-1].strip('_')}{kind}"


def _held(work):
    """Return what a function carries along."""
    return [cell.cell_contents for cell in work.__closure__ or ()]


def _place(url):
    """Return the words of an address, without ids."""
    path = url.split("?", 1)[0].split("://", 1)[-1].split("/", 1)[-1]
    words = [part.split("(", 1)[0] for part in path.split("/")]
    kept = [word for word in words if _WORD.fullmatch(word)]
    return "/".join(kept[-2:]) or path[:20]
