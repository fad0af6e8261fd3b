from bot.demo.card import Button, Choice, Field, button, buttons, fields, headline

APPROVE = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"rec": "1"}}
BACK = {
    "type": "Action.Execute",
    "id": "b",
    "title": "Back",
    "verb": "back",
    "associatedInputs": "none",
}


def test_buttons_are_found_in_action_sets_and_at_the_foot_of_the_card():
    inside = {"type": "Container", "items": [{"type": "ActionSet", "actions": [APPROVE]}]}
    card = {"type": "AdaptiveCard", "body": [inside], "actions": [BACK]}

    found = buttons(card)

    assert found == (
        Button(title="Approve", verb="approve", data={"rec": "1"}, id=None, sends=True),
        Button(title="Back", verb="back", data={}, id="b", sends=False),
    )


def test_a_button_that_is_switched_off_or_leads_elsewhere_is_not_offered():
    off = APPROVE | {"isEnabled": False}
    link = {"type": "Action.OpenUrl", "title": "Docs", "url": "https://example.com"}

    found = buttons({"type": "AdaptiveCard", "actions": [off, link]})

    assert found == ()


def test_a_button_is_found_by_what_it_sends():
    card = {"type": "AdaptiveCard", "actions": [BACK, APPROVE]}

    found = button(card, "approve")

    assert found == buttons(card)[1]
    assert button(card, "override") is None


def test_lists_texts_and_switches_can_be_filled_in():
    reasons = [{"title": "Data is wrong", "value": "data_wrong"}]
    card = {
        "type": "AdaptiveCard",
        "body": [
            {"type": "Input.ChoiceSet", "id": "code", "label": "Reason", "choices": reasons},
            {"type": "Input.Text", "id": "text", "label": "In your words", "value": "so"},
            {"type": "Input.Toggle", "id": "urgent", "title": "Urgent", "value": "false"},
        ],
    }

    found = fields(card)

    assert found == (
        Field(
            id="code",
            label="Reason",
            kind="choice",
            value="",
            choices=(Choice(title="Data is wrong", value="data_wrong"),),
        ),
        Field(id="text", label="In your words", kind="text", value="so"),
        Field(
            id="urgent",
            label="Urgent",
            kind="choice",
            value="false",
            choices=(Choice(title="yes", value="true"), Choice(title="no", value="false")),
        ),
    )


def test_the_headline_is_the_first_heading_even_when_other_text_stands_above():
    body = [
        {"type": "TextBlock", "text": "1 of 5"},
        {"type": "TextBlock", "text": "Bearings run out", "style": "heading"},
    ]

    assert headline({"type": "AdaptiveCard", "body": body}) == "Bearings run out"
    assert headline({"type": "AdaptiveCard", "body": body[:1]}) == "1 of 5"
    assert headline({"type": "AdaptiveCard", "body": []}) == ""
