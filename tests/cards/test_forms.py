"""The second cards: checked on the server, with a way back."""

from datetime import timedelta

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from cards.forms import (
    changes_form,
    confirm_changes_card,
    not_now_form,
    override_form,
    why_card,
)
from cards.reading import Reader
from decisions.countersign import ReasonMissingError
from decisions.reasons import OVERRIDE_REASONS, override_reasons
from tests.build import NOW, a_change, a_plan, a_proposal, a_recommendation, eur, pieces
from tests.cards.stages import LATER, STAGES
from tests.cards.target import problems
from tests.fakes.screens import actions, all_text

READER = Reader(language="en-GB", timezone="Europe/Berlin")
ONE = STAGES["pending"]
CHANGED = a_plan(changes=(a_change(after=pieces(25)),), cost=eur("781.25"))
FORMS = {
    "changes": changes_form(ONE, reader=READER, now=LATER),
    "confirm": confirm_changes_card(
        ONE, CHANGED, reader=READER, now=LATER, fields={"quantity_0": "25"}
    ),
    "override": override_form(ONE, reader=READER, now=LATER),
    "override-mended": override_form(
        ONE,
        reader=READER,
        now=LATER,
        problem=ReasonMissingError(needs_text=True),
        typed={"code": "other", "text": ""},
    ),
    "not-now": not_now_form(ONE, reader=READER, now=LATER),
    "why": why_card(ONE, reader=READER, now=LATER),
}


def inputs(piece):
    """Return every input of a card."""
    if isinstance(piece, dict):
        own = [piece] if str(piece.get("type", "")).startswith("Input.") else []
        return own + [found for value in piece.values() for found in inputs(value)]
    if isinstance(piece, list):
        return [found for value in piece for found in inputs(value)]
    return []


@pytest.mark.parametrize("form", FORMS)
def test_the_form(form, snapshot):
    assert FORMS[form] == snapshot.use_extension(JSONSnapshotExtension)(name=form)


@pytest.mark.parametrize("form", FORMS)
def test_teams_takes_it_and_there_is_a_way_back(form):
    assert problems(FORMS[form]) == []
    assert actions(FORMS[form])[-1]["verb"] == "back"


@pytest.mark.parametrize("form", FORMS)
def test_every_input_has_a_label_and_none_is_required(form):
    for field in inputs(FORMS[form]):
        assert field["label"]
        assert not field.get("isRequired")


@pytest.mark.parametrize("kind", OVERRIDE_REASONS)
def test_the_reasons_are_those_of_the_kind_and_other_comes_last(kind):
    one = a_recommendation(proposal=a_proposal(kind=kind))

    (choice,) = [
        field
        for field in inputs(override_form(one, reader=READER, now=LATER))
        if field["id"] == "code"
    ]

    assert tuple(entry["value"] for entry in choice["choices"]) == override_reasons(kind)
    assert choice["choices"][-1]["value"] == "other"


def test_what_was_typed_is_still_there_after_a_mistake():
    typed = {"quantity_0": "lots", "vendor": "V-9"}

    fields = {
        one["id"]: one for one in inputs(changes_form(ONE, reader=READER, now=NOW, typed=typed))
    }

    assert (fields["quantity_0"]["value"], fields["vendor"]["value"]) == ("lots", "V-9")


def test_the_confirmation_shows_before_and_after_and_carries_its_own_hash():
    approve = actions(FORMS["confirm"])[0]

    assert "40 PCS → 25 PCS" in all_text(FORMS["confirm"])
    assert approve["title"] == "Approve: 781.25 EUR"
    assert approve["data"]["plan"] == CHANGED.hash
    assert approve["data"]["fields"] == {"quantity_0": "25"}


def test_every_moment_offered_is_ahead_and_before_the_deadline():
    soon = a_recommendation(proposal=a_proposal(valid_until=NOW + timedelta(minutes=20)))

    for one in (ONE, soon):
        (until,) = [
            field
            for field in inputs(not_now_form(one, reader=READER, now=NOW))
            if field["id"] == "until"
        ]
        values = [entry["value"] for entry in until["choices"]]
        assert values
        assert all(
            NOW.isoformat() < value < one.proposal.valid_until.isoformat() for value in values
        )


def test_why_shows_the_arithmetic_the_path_and_the_place():
    text = all_text(FORMS["why"])

    assert "1,800.00 EUR per hour × 60%" in text
    assert "Ana Ruiz, in 4 h" in text
    assert "Place 1 of 7" in text
    assert "Twelve are left" in text
