"""The OpenAPI 3.1 document: the wire models, the answers, and every path of the API."""

import json
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.http.answers import (
    ConflictAnswer,
    NoneTakenAnswer,
    ProblemAnswer,
    QuarantineAnswer,
    Status,
    Taken,
    Told,
    Verdicts,
    Withdrawal,
)
from bot.workflow.wire import SentRecommendation

API: Final = "/api/v1"

_REF: Final = "#/components/schemas/"

_MODELS: Final[tuple[type[BaseModel], ...]] = (
    SentRecommendation,
    Taken,
    ConflictAnswer,
    QuarantineAnswer,
    Verdicts,
    NoneTakenAnswer,
    Status,
    Told,
    Withdrawal,
    ProblemAnswer,
)

EXAMPLE: Final[dict[str, object]] = {
    "id": "planner-4711",
    "kind": "stockout_risk",
    "plant": "BREMEN",
    "headline": "Bearings 6204 run out on Wednesday",
    "subject": {"item": "1000-B6204", "vendor": "V-2040"},
    "facts": [
        {
            "name": "stock on hand",
            "value": "12",
            "unit": "PCS",
            "source": "Business Central",
            "observed_at": "2026-03-02T08:50:00Z",
        }
    ],
    "confidence": "0.86",
    "impact": {
        "lines": [
            {
                "kind": "downtime",
                "amount": {"amount": "1800.00", "currency": "EUR"},
                "per": "hour",
                "probability": "0.6",
                "basis": "Line 3 makes 120 pumps an hour at 15 EUR contribution.",
                "bites_at": "2026-03-04T06:00:00+01:00",
                "ends_at": "2026-03-04T14:00:00+01:00",
            }
        ],
        "cost_of_acting": {"amount": "1250.00", "currency": "EUR"},
    },
    "action": {
        "kind": "create_purchase_order",
        "vendor": "V-2040",
        "currency": "EUR",
        "lines": [
            {
                "item": "1000-B6204",
                "quantity": "40",
                "unit": "PCS",
                "unit_cost": {"amount": "31.25", "currency": "EUR"},
                "expected_receipt_date": "2026-03-09",
            }
        ],
    },
    "valid_until": "2026-03-04T12:00:00+01:00",
}


@cache
def openapi_document() -> dict[str, Any]:
    """Return the document; it is the same for every installation."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "version": version("countersign"),
            "description": "Recommendations in; who decided what, why, and what was written out.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": _paths(),
        "webhooks": {"decided": {"post": _webhook()}},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key made with `countersign keys create`.",
                }
            },
        },
    }


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=_REF + "{model}"
    )
    # Senders read "Recommendation"; that it was sent is our point of view.
    named = json.dumps(found["$defs"]).replace(f"{_REF}Sent", _REF).replace('"Sent', '"')
    schemas: dict[str, Any] = json.loads(named)
    return schemas


def _json(schema: str | dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    inner = {"$ref": _REF + schema} if isinstance(schema, str) else schema
    return {media: {"schema": inner}}


def _answer(description: str, schema: str | dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": _json(schema)}


def _problem(description: str, schema: str | dict[str, Any] = "ProblemAnswer") -> dict[str, Any]:
    return {"description": description, "content": _json(schema, "application/problem+json")}


_UNKNOWN_KEY: Final = _problem("No key that is in force.")
_TOO_OFTEN: Final = _problem("This key sends more often than is taken; see Retry-After.") | {
    "headers": {
        "Retry-After": {
            "description": "Seconds until it may send again.",
            "schema": {"type": "integer", "minimum": 1},
        }
    }
}
_NOT_FOUND: Final = _problem("This source sent no such recommendation.")


def _paths() -> dict[str, Any]:
    ours = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "Our id, with or without CS- before it.",
        "schema": {"type": "string"},
    }
    return {
        f"{API}/recommendations": {"post": _submit(), "get": _look_up()},
        f"{API}/recommendations/{{id}}": {
            "parameters": [ours],
            "get": {
                "operationId": "look",
                "summary": "Where a recommendation stands",
                "responses": {
                    "200": _answer("Its state, decision and receipt.", "Status"),
                    "401": _UNKNOWN_KEY,
                    "429": _TOO_OFTEN,
                    "404": _NOT_FOUND,
                },
            },
        },
        f"{API}/recommendations/{{id}}/withdraw": {
            "parameters": [ours],
            "post": {
                "operationId": "withdraw",
                "summary": "Take a recommendation back before anybody has decided",
                "requestBody": {"required": True, "content": _json("Withdrawal")},
                "responses": {
                    "200": _answer("Withdrawn, now or before.", "Status"),
                    "400": _problem("Not JSON."),
                    "401": _UNKNOWN_KEY,
                    "429": _TOO_OFTEN,
                    "404": _NOT_FOUND,
                    "409": _problem("It was decided, or is closed for another reason."),
                    "413": _problem("The body is longer than 8 MiB."),
                    "415": _problem("Not JSON in UTF-8, or compressed."),
                    "422": _problem("No reason."),
                },
            },
        },
    }


def _submit() -> dict[str, Any]:
    one: dict[str, Any] = {"$ref": f"{_REF}Recommendation"}
    several = {"type": "array", "items": one, "minItems": 1, "maxItems": 1000}
    listed = {
        "type": "object",
        "properties": {"recommendations": several},
        "required": ["recommendations"],
        "additionalProperties": False,
    }
    event = {
        "type": "object",
        "description": "A CloudEvents 1.0 event; data.id falls back to the event's id.",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1},
            "type": {"type": "string", "minLength": 1},
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type", "data"],
    }
    return {
        "operationId": "submit",
        "summary": "Send one recommendation, or from 1 to 1,000 in a list",
        "description": "Once it is answered, what was kept is on disk. The same id with the same "
        "content is kept once, however often it is sent. Numbers are text or JSON numbers and "
        "are kept exactly; times carry a UTC offset; fields that are not listed are refused.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [one, several, listed]},
                    "example": EXAMPLE,
                },
                **_json(event, "application/cloudevents+json"),
                **_json(
                    {"type": "array", "items": event, "minItems": 1, "maxItems": 1000},
                    "application/cloudevents-batch+json",
                ),
            },
        },
        "responses": {
            "200": _answer("One: exactly this was sent before.", "Taken"),
            "202": _answer(
                "One: accepted. A list: at least one was accepted or sent before.",
                {"anyOf": [{"$ref": f"{_REF}Taken"}, {"$ref": f"{_REF}Verdicts"}]},
            ),
            "400": _problem("Not JSON, or a list with no item or too many."),
            "401": _UNKNOWN_KEY,
            "429": _TOO_OFTEN,
            "409": _problem("One: the same id with another content.", "ConflictAnswer"),
            "413": _problem("The body is longer than 8 MiB."),
            "415": _problem("Not JSON in UTF-8, or compressed."),
            "422": _problem(
                "One: it waits in quarantine. A list: none was taken.",
                {
                    "anyOf": [
                        {"$ref": f"{_REF}QuarantineAnswer"},
                        {"$ref": f"{_REF}NoneTakenAnswer"},
                    ]
                },
            ),
        },
    }


def _look_up() -> dict[str, Any]:
    return {
        "operationId": "lookUp",
        "summary": "Where the recommendation with your own id stands",
        "parameters": [
            {
                "name": "source_id",
                "in": "query",
                "required": True,
                "description": "The id that you sent it under.",
                "schema": {"type": "string"},
            }
        ],
        "responses": {
            "200": _answer("Its state, decision and receipt.", "Status"),
            "400": _problem("It names no recommendation."),
            "401": _UNKNOWN_KEY,
            "429": _TOO_OFTEN,
            "404": _NOT_FOUND,
        },
    }


def _webhook() -> dict[str, Any]:
    return {
        "operationId": "decided",
        "summary": "What became of a recommendation, sent to the webhook of its source",
        "description": "Signed as Standard Webhooks describes: webhook-id, webhook-timestamp, "
        "webhook-signature. Tried ten times within about three days.",
        "requestBody": {"required": True, "content": _json("Told")},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Never send this one again."},
        },
    }
