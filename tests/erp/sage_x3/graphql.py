"""As much of GraphQL as is asked: nested fields, arguments, no fragments and no variables."""

import json
import re

_TOKEN = re.compile(r'[{}():,]|"(?:[^"\\]|\\.)*"|[\w$-]+')


class NotInSchemaError(Exception):
    """A field that the folder does not publish."""


def parsed(text):
    """Return the selection of a query: fields by name, each with arguments and a selection."""
    tokens = _TOKEN.findall(text)
    return _selection(tokens, tokens.index("{") + 1)[0]


def _selection(tokens, at):
    fields = {}
    while tokens[at] != "}":
        name, at = tokens[at], at + 1
        arguments, inner = {}, None
        if tokens[at] == "(":
            arguments, at = _arguments(tokens, at + 1)
        if tokens[at] == "{":
            inner, at = _selection(tokens, at + 1)
        fields[name] = (arguments, inner)
    return fields, at + 1


def _arguments(tokens, at):
    found = {}
    while tokens[at] != ")":
        if tokens[at] == ",":
            at += 1
            continue
        found[tokens[at]] = json.loads(tokens[at + 2])
        at += 3
    return found, at + 1


def shaped(value, selection):
    """Return what a selection asks of a value; a field that is not there is an error."""
    if selection is None or value is None:
        return value
    if isinstance(value, list):
        return [shaped(one, selection) for one in value]
    unknown = [name for name in selection if name not in value]
    if unknown:
        raise NotInSchemaError(unknown[0])
    return {name: shaped(value[name], inner) for name, (_, inner) in selection.items()}
