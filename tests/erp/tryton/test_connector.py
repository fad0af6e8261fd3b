"""What an installation has to decide for Tryton; no Tryton is needed for this."""

from erp.tryton.connector import CONNECTOR

GIVEN = {
    "url": "https://erp.example:8000",
    "database": "works",
    "company": "Bremen Pumps",
    "web_client": "",
    "reader_user": "reads",
    "reader_password": "one",
    "writer_user": "writes",
    "writer_password": "two",
}


def test_the_settings_are_those_that_are_used():
    assert {one.name for one in CONNECTOR.settings} == set(GIVEN)
    assert CONNECTOR.problems(GIVEN, writes=True) == ()


def test_the_writers_password_is_held_by_the_writer_alone_and_passwords_are_secrets():
    held = {one.name: (one.held_by, one.secret) for one in CONNECTOR.settings}

    assert held["writer_password"] == ("writer", True)
    assert held["reader_password"] == ("everybody", True)
    assert {name for name, (_, secret) in held.items() if secret} == {
        "reader_password",
        "writer_password",
    }


def test_a_copy_of_the_database_is_another_company():
    copy = GIVEN | {"database": "works_copy"}

    assert CONNECTOR.company(GIVEN) == "Bremen Pumps (works)"
    assert CONNECTOR.company(copy) != CONNECTOR.company(GIVEN)


def test_an_address_without_a_scheme_and_one_log_in_for_both_are_problems():
    wrong = GIVEN | {"url": "erp.example", "writer_user": "reads"}

    assert [text.split(":")[0] for text in CONNECTOR.problems(wrong, writes=True)] == [
        "url",
        "writer_user",
    ]
    without_writer = {name: one for name, one in wrong.items() if not name.startswith("writer")}
    assert len(CONNECTOR.problems(without_writer, writes=False)) == 1
