"""Somebody who works in Tryton itself: sets it up, edits, releases; plain blocking JSON-RPC."""

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class TrytonRefusedError(Exception):
    """Tryton answered with an error."""


class Office:
    """One user's session; what it sends and gets are Tryton's own values."""

    def __init__(self, url, user, password):
        """Log in; `url` ends with the database."""
        self._url = f"{url}/rpc/"
        self._user = user
        self._password = password
        self.context = {"language": "en"}
        self._enter()

    def do(self, method, *arguments, **context):
        """Call a method of a model, as `purchase.purchase.quote`."""
        return self._call(f"model.{method}", [*arguments, self.context | context])

    def go_through(self, wizard, state, form, *, model, record):
        """Open a wizard on a record, fill in its first form, and press the button of a state."""
        about = {"active_model": model, "active_id": record, "active_ids": [record]}
        context = self.context | about
        session, first, _ = self._call(f"wizard.{wizard}.create", [context])
        self._call(f"wizard.{wizard}.execute", [session, {first: form}, state, context])

    def create(self, model, **values):
        """Create one record; return its id."""
        (number,) = self.do(f"{model}.create", [values])
        return number

    def find(self, model, *domain):
        """Return the ids of what matches, oldest first."""
        return self.do(f"{model}.search", list(domain), 0, None, [["id", "ASC"]])

    def read(self, model, number, *fields):
        """Return these fields of one record."""
        (record,) = self.do(f"{model}.read", [number], list(fields))
        return record

    def _call(self, method, params):
        try:
            return self._post(method, params)
        except HTTPError as refused:
            if refused.code != HTTPStatus.UNAUTHORIZED:
                raise
            self._enter()  # a session ends when nobody uses it for a while
            return self._post(method, params)

    def _enter(self):
        self._header = {}
        params = [self._user, {"password": self._password}, "en"]
        self.session = self._post("common.db.login", params)
        number, token, *_ = self.session
        key = base64.b64encode(f"{self._user}:{number}:{token}".encode()).decode()
        self._header = {"Authorization": f"Session {key}"}

    def _post(self, method, params):
        body = json.dumps({"id": 1, "method": method, "params": params}, default=_coded)
        request = Request(  # noqa: S310  our own server on loopback
            self._url,
            data=body.encode(),
            headers={"Content-Type": "application/json"} | self._header,
        )
        with urlopen(request, timeout=60) as answer:  # noqa: S310  our own server on loopback
            said = json.loads(answer.read(), object_hook=_plain)
        if "error" in said:
            raise TrytonRefusedError(f"{method}: {said['error']}")
        return said["result"]


def _coded(value):
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, date):
        return {
            "__class__": "date",
            "year": value.year,
            "month": value.month,
            "day": value.day,
        }
    raise TypeError(value)


def _plain(value):
    match value:
        case {"__class__": "Decimal", "decimal": text}:
            return Decimal(text)
        case {"__class__": "date", "year": year, "month": month, "day": day}:
            return date(year, month, day)
        case {"__class__": "datetime", **parts}:
            return datetime(**parts, tzinfo=UTC)
    return value
