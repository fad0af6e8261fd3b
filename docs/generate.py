"""Writes the parts of the documentation that are made from the code: `make docs`."""

import asyncio
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import aiohttp
from pydantic.fields import FieldInfo

from bot.clock import utc_now
from bot.settings import ELSEWHERE, PREFIX, Settings, holders_of
from decisions.actions import ACTION_KINDS
from decisions.lifecycle import MOVES
from erp import connectors
from erp.mail import settings as mail
from erp.mail.reader import CHASER
from erp.ports import Capabilities, Setting, Surroundings
from erp.snapshot import SCOPES

HERE = Path(__file__).parent


def settings_table() -> str:
    """Return a row for each setting."""
    rows = ["| Variable | Default | What it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        if name not in ELSEWHERE:
            default = _default(field)
            rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    for connector in connectors.names():
        for setting in connectors.named(connector).settings:
            variable = PREFIX + connectors.variable(connector, setting).upper()
            rows.append(f"| `{variable}` | {_of_connector(setting)} | {setting.description} |")
    for setting in mail.SETTINGS:
        variable = PREFIX + connectors.variable(mail.NAME, setting).upper()
        rows.append(f"| `{variable}` | {_of_connector(setting)} | {setting.description} |")
    return "\n".join(rows)


def _of_connector(setting: Setting) -> str:
    if setting.default is None:
        return "**required** with this connector"
    default = f"`{setting.default}`" if setting.default else "empty"
    return f"{default}; read by the writer only" if setting.held_by == "writer" else default


def _default(field: FieldInfo) -> str:
    holders = holders_of(field)
    if holders:
        return f"**required** for {', '.join(sorted(holders))}; nobody else reads it"
    if isinstance(field.default, tuple):
        return f"`{','.join(field.default)}`"
    return "**required**" if field.is_required() else f"`{field.default}`"


def capabilities_table() -> str:
    """Return a row for each kind of action, a column for each connector that is installed."""
    able = {name: asyncio.run(_capabilities(name)) for name in connectors.names()}
    rows = [
        f"| Action | {' | '.join(one.system for one in able.values())} |",
        "|---" * (len(able) + 1) + "|",
    ]
    for kind in ACTION_KINDS:
        cells = " | ".join(_can(one, kind) for one in able.values())
        rows.append(f"| `{kind}` | {cells} |")
    for scope in SCOPES:
        cells = " | ".join("read" if scope in one.reads else "–" for one in able.values())
        rows.append(f"| {scope.replace('_', ' ')} | {cells} |")
    return "\n".join(rows)


async def _capabilities(name: str) -> Capabilities:
    """Ask a connector what it can do; nothing is sent for that."""
    connector = connectors.named(name)
    settings = {one.name: one.default or str(UUID(int=0)) for one in connector.settings}
    async with aiohttp.ClientSession() as session:
        around = Surroundings(settings=settings, session=session, now=utc_now, read_within=1.0)
        return connector.reader(around).capabilities()


def _can(able: Capabilities, kind: str) -> str:
    if kind == CHASER:
        return "**works** where [mail is set up](mail.md)"
    return "**works**" if kind in able.writes else able.needs.get(kind, "cannot")


def moves_diagram() -> str:
    """Return the moves as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> proposed"]
    lines += [
        f"    {before.value} --> {after.value}: {event.value}"
        for (before, event), after in MOVES.items()
    ]
    return "\n".join([*lines, "```"])


PARTS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "settings": ("settings.md", settings_table),
    "moves": ("life.md", moves_diagram),
    "capabilities": ("erp.md", capabilities_table),
}


def filled(text: str, name: str, content: str) -> str:
    """Return a page with one of its generated parts renewed."""
    pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


def main() -> None:
    """Renew every page; print the ones that changed."""
    for name, (page, make) in PARTS.items():
        path = HERE / page
        old = path.read_text(encoding="utf-8")
        new = filled(old, name, make())
        if new != old:
            path.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{page}\n")


if __name__ == "__main__":
    main()
