"""The examples of the documentation, each with one odd value in one place."""

import json
import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp.sources.mapping_file import SourceFileError
from tests.erp.sources.conftest import PAGE

ODD = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 5), st.sampled_from(["", " ", "x", "[*]", "a[*].b"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    ),
    max_leaves=4,
)


def written(value):
    """Write a value as TOML does within a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {written(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(one) for one in value) + "]"
    return json.dumps(value)


def places(value, path=()):
    """Return the path of every key."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield (*path, key)
            yield from places(one, (*path, key))


def replaced(value, path, new):
    """Return the value with another one at a path."""
    key, *rest = path
    return value | {key: replaced(value[key], rest, new) if rest else new}


EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=["rest", "sql", "files"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_value_in_any_place_does_more_than_be_refused(folder, text, data):
    document = tomllib.loads(text)
    path = data.draw(st.sampled_from(sorted(places(document))))
    spoilt = replaced(document, path, data.draw(ODD))
    folder.environment["COUNTERSIGN_SOURCE_CMMS"] = "sqlite:///stock.db"
    folder.environment["COUNTERSIGN_SOURCE_MES_TOKEN"] = "sesame"  # noqa: S105  made up
    folder.put("mes.toml", "\n".join(f"{key} = {written(one)}" for key, one in spoilt.items()))

    try:
        (source,) = folder.sources()
    except SourceFileError as error:
        assert all(one.startswith("mes.toml: ") for one in error.problems)  # noqa: PT017  either is right
    else:
        assert source.reads <= document.keys()
