import stat

import pytest

from bot.demo.folder import ForeignFolderError, keep_secret, open_folder, secrets_of


def test_a_folder_whose_past_is_complete_is_opened_as_it_was_left(tmp_path):
    first = open_folder(tmp_path / "demo", fresh=False)
    first.database.write_text("records")
    first.ready.touch()

    again = open_folder(tmp_path / "demo", fresh=False)

    assert again.database.read_text() == "records"


def test_a_folder_whose_past_was_interrupted_is_begun_anew(tmp_path):
    first = open_folder(tmp_path / "demo", fresh=False)
    first.database.write_text("half of it")

    again = open_folder(tmp_path / "demo", fresh=False)

    assert not again.database.exists()


def test_fresh_forgets_everything(tmp_path):
    first = open_folder(tmp_path / "demo", fresh=False)
    first.database.write_text("records")
    first.ready.touch()

    again = open_folder(tmp_path / "demo", fresh=True)

    assert sorted(path.name for path in again.path.iterdir()) == ["README", "routing.yaml"]


def test_a_folder_with_other_peoples_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(ForeignFolderError, match="that the demo did not put there"):
        open_folder(tmp_path, fresh=True)

    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_rules_that_somebody_edited_are_kept(tmp_path):
    first = open_folder(tmp_path / "demo", fresh=False)
    first.ready.touch()
    first.routing.write_text("mine")

    again = open_folder(tmp_path / "demo", fresh=False)

    assert again.routing.read_text() == "mine"


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path):
    folder = open_folder(tmp_path / "demo", fresh=False)

    first, second = secrets_of(folder), secrets_of(folder)

    assert first == second
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600


def test_a_secret_that_is_kept_again_replaces_the_old_one(tmp_path):
    path = tmp_path / "key"
    keep_secret(path, "a long first one")

    keep_secret(path, "second")

    assert path.read_text() == "second"
