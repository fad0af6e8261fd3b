"""All words, and numbers and times as the reader writes them; what others typed is escaped."""

import re
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import NumberPattern, format_percent, get_currency_precision, parse_pattern

from cards.reading import Reader
from decisions.actions import SendSupplierChaser
from decisions.lifecycle import State
from decisions.money import Money
from decisions.plan import Value
from decisions.quantity import Quantity
from decisions.recommendation import Recommendation

_MARKDOWN: Final = re.compile(r"([\\\[\]()*_<>~`#|])")
_LIST_START: Final = re.compile(r"^(\s*\d*)([-+.])(?=\s)", re.MULTILINE)
_INVISIBLE: Final = re.compile(
    r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_LONGEST: Final = 300

STATES: Final = {
    State.PROPOSED: "Coming in",
    State.AWAITING: "Waiting for a decision",
    State.APPROVED: "Approved, not written yet",
    State.WRITING: "Being written",
    State.WRITTEN: "Written and read back",
    State.REFUSED: "Refused by the ERP: nothing was written",
    State.CONFLICT: "The ERP has changed: nothing was written",
    State.UNKNOWN: "No answer from the ERP: being looked up",
    State.NOT_WRITTEN: "Looked up: nothing was written",
    State.ACKNOWLEDGED: "Acknowledged",
    State.OVERRIDDEN: "Overridden: nothing is written",
    State.SHELVED: "Put off",
    State.EXPIRED: "Expired: nobody answered in time",
    State.SUPERSEDED: "Replaced by a newer one",
    State.WITHDRAWN: "Withdrawn by its source",
}

MAIL_STATES: Final = {
    State.APPROVED: "Approved, not sent yet",
    State.WRITING: "Being sent",
    State.WRITTEN: "Sent",
    State.REFUSED: "Refused: nothing was sent",
    State.CONFLICT: "Something has changed: nothing was sent",
    State.UNKNOWN: "No answer: not known whether it was sent",
    State.NOT_WRITTEN: "Nothing was sent",
    State.OVERRIDDEN: "Overridden: nothing is sent",
}
"""Where a mail is not written, but sent."""

FIELDS: Final = {
    "document": "Order",
    "vendor": "Vendor",
    "item": "Item",
    "quantity": "Quantity",
    "unit_cost": "Unit cost",
    "line_total": "Line total",
    "location": "Location",
    "expected_receipt_date": "Expected receipt",
    "order_total": "Order total",
    "reference": "Reference",
    "recipient": "To",
    "sender": "From",
    "reply_to": "Answers to",
    "subject": "Subject",
    "text": "Text",
    "on_order": "On order",
    "currency": "Currency",
    "status": "Status",
    "payload": "The change itself",
    "vendor name": "Vendor name",
    "vendor e-mail": "Vendor e-mail",
    "vendor blocked": "Vendor blocked",
    "vendor currency": "Vendor currency",
    "item blocked": "Item blocked",
    "base unit": "Base unit",
    "unit cost in the ERP": "Unit cost in the ERP",
    "quantity already on order": "Already on order",
    "stock": "Stock",
    "order total": "Order total",
    "unit": "Unit",
    "quantity received": "Quantity received",
    "unit cost": "Unit cost",
    "expected receipt date": "Expected receipt",
}

REASONS: Final = {
    "data_wrong": "The data is wrong",
    "already_ordered": "Already ordered",
    "already_handled": "Already taken care of",
    "wrong_quantity": "Wrong quantity",
    "wrong_vendor": "Wrong vendor",
    "demand_changed": "Demand has changed",
    "too_expensive": "Too expensive",
    "vendor_confirmed": "The vendor has confirmed",
    "goods_arrived": "The goods are here",
    "not_needed": "Not needed any more",
    "rescheduled": "Production was rescheduled",
    "component_found": "The component was found",
    "budget_approved": "The budget was approved",
    "wrong_account": "Wrong account",
    "cannot_wait": "Cannot wait",
    "stock_covers": "Stock covers it",
    "other_vendor": "Another vendor delivers",
    "released_by_quality": "Released by quality",
    "rework_planned": "Rework is planned",
    "done_already": "Already done",
    "production_first": "Production goes first",
    "waiting_for_information": "Waiting for information",
    "waiting_for_person": "Waiting for somebody",
    "later_this_shift": "Later in this shift",
    "other": "Another reason (say which)",
}

LOSSES: Final = {
    "downtime": "Downtime",
    "expedite_premium": "Expedite premium",
    "otif_penalty": "OTIF penalty",
    "write_off": "Write-off",
    "overtime": "Overtime",
    "other": "Other",
}


def status_of(one: Recommendation) -> str:
    """Return how a recommendation stands, in a few words."""
    if one.state is State.EXPIRED and one.decision is not None:
        return "Expired: approved, but nothing was written in time"
    if isinstance(one.action, SendSupplierChaser):
        return MAIL_STATES.get(one.state, STATES[one.state])
    return STATES[one.state]


def escape(text: str, longest: int = _LONGEST) -> str:
    """Return what somebody typed so that it reads as typed: no links, no formatting, no tricks.

    Teams parses Markdown in every TextBlock (msteams-docs, "Format cards in Teams").
    """
    clean = _INVISIBLE.sub("", text)
    if len(clean) > longest:
        clean = clean[: longest - 1] + "…"
    return _LIST_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", clean))


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """Return the locale of a language tag; English where it is not known."""
    try:
        return Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


_WIDE: Final = Context(prec=100)
_ANY: Final = parse_pattern("#,##0.#####")


@lru_cache(maxsize=8)
def _pattern(places: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * places if places else ""))


class Words:
    """Numbers, amounts and times for one reader."""

    def __init__(self, reader: Reader, now: datetime) -> None:
        """Speak to this reader, now."""
        self._locale = locale_of(reader.language)
        self._zone = ZoneInfo(reader.timezone)  # cached by the standard library
        self._now = now

    def money(self, amount: Money) -> str:
        """Return an amount with its code: 1,140.00 EUR."""
        places = get_currency_precision(amount.currency)
        return f"{self._spelled(_pattern(places), amount.amount)} {amount.currency}"

    def about(self, amount: Money) -> str:
        """Return an estimate without cents."""
        return f"{self._spelled(_pattern(0), amount.amount)} {amount.currency}"

    def sums(self, amounts: tuple[Money, ...]) -> str:
        """Return estimates of several currencies."""
        return " + ".join(self.about(one) for one in amounts if one.amount) or "nothing"

    def number(self, value: Decimal) -> str:
        """Return a number."""
        return self._spelled(_ANY, value)

    def _spelled(self, pattern: NumberPattern, value: Decimal) -> str:
        with localcontext(_WIDE):  # Babel rounds, and refuses what the usual 28 digits cannot hold
            return str(pattern.apply(value, self._locale))

    def quantity(self, quantity: Quantity) -> str:
        """Return a number with its unit."""
        return f"{self.number(quantity.value)} {escape(quantity.unit)}"

    def percent(self, share: Decimal) -> str:
        """Return a share as a percentage."""
        return format_percent(share, locale=self._locale)

    def day(self, day: date) -> str:
        """Return a day with its weekday."""
        return format_date(day, "EEE d MMM y", locale=self._locale)

    def moment(self, moment: datetime) -> str:
        """Return a time on the plant's clock; with the day when that is not today."""
        local = moment.astimezone(self._zone)
        time = format_time(local, "HH:mm", locale=self._locale)
        if local.date() == self._now.astimezone(self._zone).date():
            return time
        return f"{format_date(local, 'EEE d MMM', locale=self._locale)} {time}"

    def age(self, since: datetime) -> str:
        """Return how old something is."""
        return f"{span(self._now - since)} old"

    def value(self, value: Value) -> str:
        """Return a field of a plan or receipt."""
        match value:
            case Money():
                return self.money(value)
            case Quantity():
                return self.quantity(value)
            case date():
                return self.day(value)
            case None:
                return "–"
            case str():
                return escape(value)


def span(time: timedelta) -> str:
    """Return a span in its largest unit."""
    seconds = max(int(time.total_seconds()), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def field_name(field: str) -> str:
    """Return what a field of a plan is called."""
    return FIELDS.get(field, escape(field.replace("_", " ").capitalize()))
