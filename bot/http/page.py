"""The OpenAPI document as one page to read: no script, nothing from elsewhere."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid GrayText; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid GrayText; }
h2 { margin-top: 3rem; } h3 { margin-top: 2rem; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and the policy that lets a browser load nothing else with it."""

    html: str
    policy: str


def page_of(document: Mapping[str, Any]) -> Page:
    """Lay the document out."""
    return _page(json.dumps(document))


@cache
def _page(text: str) -> Page:
    document: dict[str, Any] = json.loads(text)
    sha = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return Page(
        html="\n".join(_lines(document)),
        policy=f"default-src 'none'; style-src 'sha256-{sha}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    )


def _lines(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield f"<title>{escape(info['title'])} API</title>"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style>"
    yield f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
    yield f"<p>{escape(info['description'])}</p>"
    yield '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>'
    for path, methods in document["paths"].items():
        for method in ("post", "get"):
            if method in methods:
                yield from _operation(f"{method.upper()} {path}", methods[method])
    for name, methods in document["webhooks"].items():
        yield from _operation(f"Webhook: {name}", methods["post"])
    yield "<h2>Shapes</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _shape(name, schema)
    yield "</html>"


def _operation(heading: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{escape(heading)}</code></h2>"
    yield f"<p>{escape(operation['summary'])}.</p>"
    if "description" in operation:
        yield f"<p>{escape(operation['description'])}</p>"
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Send <code>{escape(media)}</code>: {_kind(body['schema'])}</p>"
        if "example" in body:
            yield f"<pre>{escape(json.dumps(body['example'], indent=2))}</pre>"
    yield "<table><tr><th>Answer</th><th>When</th><th>Shape</th></tr>"
    for status, answer in operation["responses"].items():
        shapes = ", ".join(_kind(one["schema"]) for one in answer.get("content", {}).values())
        yield f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td>"
        yield f"<td>{shapes}</td></tr>"
    yield "</table>"


def _shape(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
    yield f"<p>{escape(schema.get('description', ''))}</p>"
    yield "<table><tr><th>Field</th><th>Is</th><th></th></tr>"
    for field, one in schema.get("properties", {}).items():
        needed = "" if field in schema.get("required", ()) else " (may be left out)"
        yield f"<tr><td><code>{escape(field)}</code>{needed}</td><td>{_kind(one)}</td>"
        yield f"<td>{escape(one.get('description', ''))}</td></tr>"
    yield "</table>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return in a few words what a value is, with links to the shapes."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#{name}">{name}</a>'
    for way in ("anyOf", "oneOf"):
        if way in schema:
            return " or ".join(_kind(one) for one in schema[way])
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}{_limits(schema)}"
    kind = str(schema.get("format") or schema.get("type") or "any value")
    return escape(kind) + _limits(schema)


_LIMITS: Final[Mapping[str, str]] = {
    "minLength": "from {} characters",
    "maxLength": "up to {} characters",
    "minItems": "from {}",
    "maxItems": "up to {}",
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "up to {}",
}


def _limits(schema: Mapping[str, Any]) -> str:
    found = [words.format(schema[name]) for name, words in _LIMITS.items() if name in schema]
    return f" ({', '.join(found)})" if found else ""
