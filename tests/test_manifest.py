"""The app package keeps to the limits of Microsoft's manifest schema."""

import json
import struct
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "manifest"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


def test_the_texts_keep_to_their_lengths():
    assert len(MANIFEST["name"]["short"]) <= 30
    assert len(MANIFEST["name"]["full"]) <= 100
    assert len(MANIFEST["description"]["short"]) <= 80
    assert len(MANIFEST["description"]["full"]) <= 4000
    for commands in MANIFEST["bots"][0]["commandLists"]:
        assert len(commands["commands"]) <= 10
        for command in commands["commands"]:
            assert len(command["title"]) <= 32
            assert len(command["description"]) <= 128


def test_no_permission_is_asked_for():
    assert "authorization" not in MANIFEST
    assert "webApplicationInfo" not in MANIFEST


def test_the_icons_have_the_sizes_that_teams_asks_for():
    sizes = {}
    for name, file in MANIFEST["icons"].items():
        header = (FOLDER / file).read_bytes()[:24]
        assert header[:8] == b"\x89PNG\r\n\x1a\n"
        sizes[name] = struct.unpack(">II", header[16:24])

    assert sizes == {"color": (192, 192), "outline": (32, 32)}
