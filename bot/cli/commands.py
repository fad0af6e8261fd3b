"""Every command and its options; what a command needs is imported when it runs.

`countersign --help` must answer at once, so that nothing heavier than click is loaded here.
"""
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from decisions.errors import CountersignError

if TYPE_CHECKING:
    from bot.settings import Role

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 99}


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="countersign")
def cli() -> None:
    """Countersign: one recommendation, one named owner, one click, one write to the ERP."""


def main() -> None:
    """Run a command; an expected problem is a sentence on standard error and exit code 1."""
    try:
        cli()
    except CountersignError as problem:
        click.echo(f"countersign: {problem}", err=True)
        sys.exit(1)


@cli.command()
@click.option("--fresh", is_flag=True, help="Start over: forget everything so far.")
@click.option(
    "--client",
    type=click.Choice(["auto", "playground", "terminal"]),
    default="auto",
    show_default=True,
    help="Who plays Teams.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback only.")
@click.option("--port", default=3978, show_default=True, help="The bot's port.")
@click.option("--erp-port", default=3979, show_default=True, help="The demo ERP's port.")
@click.option("--playground-port", default=56150, show_default=True, help="The client's port.")
@click.option(
    "--pace", default=60.0, show_default=True, help="Seconds between new recommendations."
)
@click.option("--for", "seconds", type=float, help="End by itself after so many seconds.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".countersign"),
    show_default=True,
    help="The folder that holds the demo's database, ERP and keys.",
)
def demo(  # noqa: PLR0913  one parameter per option
    *,
    fresh: bool,
    client: str,
    host: str,
    port: int,
    erp_port: int,
    playground_port: int,
    pace: float,
    seconds: float | None,
    state: Path,
) -> None:
    """Run everything on this machine, with a plant that needs decisions."""
    from bot.demo.run import DemoOptions
    from bot.demo.run import demo as run

    options = DemoOptions(
        fresh=fresh,
        client=client,
        host=host,
        port=port,
        erp_port=erp_port,
        playground_port=playground_port,
        pace=pace,
        seconds=seconds,
        state=state,
    )
    sys.exit(run(options))


@cli.command()
@click.option(
    "--role",
    "roles",
    type=click.Choice(["web", "worker", "writer"]),
    multiple=True,
    help="Run only this part; repeat for several. Without it the process does everything.",
)
def serve(roles: tuple["Role", ...]) -> None:
    """Run the bot; its settings come from the environment (docs/settings.md)."""
    from bot.cli.serve import serve as run

    run(roles)


@cli.command()
def migrate() -> None:
    """Bring the database to the newest layout."""
    from bot.cli.operate import migrate as run

    run()


@cli.command()
@click.option(
    "--to", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A new file."
)
def backup(*, to: Path) -> None:
    """Copy the database to a file, while the program runs."""
    from bot.cli.backup import take

    take(to)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Overwrite the records that are there.")
def restore(file: Path, *, replace: bool) -> None:
    """Put a backup in the place of the database; stop the program first."""
    from bot.cli.backup import put_back

    sys.exit(0 if put_back(file, replace=replace) else 1)


@cli.command()
def status() -> None:
    """Show what waits: jobs by kind, the oldest one, channels without the bot."""
    from bot.cli.operate import status as run

    run()


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def sources(folder: Path) -> None:
    """Read what the mapping files of a folder describe, once, and show it (docs/sources.md)."""
    from bot.cli.sources import show_sources

    show_sources(folder)


@cli.command("doctor")
def doctor_command() -> None:
    """Try the database, the channels and the ERP, and say what to mend."""
    from bot.cli.doctor import doctor

    doctor()


@cli.command()
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=3,
    show_default=True,
    help="How far back to look.",
)
def reconcile(*, days: int) -> None:
    """Compare the ERP with our records, both ways; also done every night."""
    from bot.cli.operate import reconcile_erp

    reconcile_erp(days)


@cli.group()
def keys() -> None:
    """API keys, one per source; and the pair of keys that decisions are signed with."""


@keys.command("signing")
@click.option(
    "--private",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The new file for the private key; only the web role reads it.",
)
@click.option(
    "--public",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file with the public keys that count; the new one is added to it.",
)
def keys_signing(private: Path, public: Path) -> None:
    """Make a pair of keys for signing decisions (docs/keys.md says how to change over)."""
    from bot.cli.signing import make_pair

    make_pair(private, public)


@keys.command("create")
@click.option("--source", required=True, help="The name under which this sender is known.")
@click.option("--plant", "plants", multiple=True, required=True, help="Repeat for each plant.")
@click.option("--webhook", help="Where the sender is told what was decided (https).")
def keys_create(source: str, plants: tuple[str, ...], webhook: str | None) -> None:
    """Make a key; it is shown once and never again."""
    from bot.cli.operate import create_key

    create_key(source, plants, webhook)


@keys.command("list")
def keys_list() -> None:
    """List the keys."""
    from bot.cli.operate import list_keys

    list_keys()


@keys.command("revoke")
@click.argument("key_id")
def keys_revoke(key_id: str) -> None:
    """Take a key out of use."""
    from bot.cli.operate import revoke_key

    revoke_key(key_id)


@cli.group()
def quarantine() -> None:
    """What came in and could not be understood."""


@quarantine.command("list")
def quarantine_list() -> None:
    """List what is held."""
    from bot.cli.operate import list_quarantine

    list_quarantine()


@quarantine.command("show")
@click.argument("number", type=int)
def quarantine_show(number: int) -> None:
    """Show one with every problem, as it came in."""
    from bot.cli.operate import show_quarantine

    show_quarantine(number)


@quarantine.command("retry")
@click.argument("number", type=int)
def quarantine_retry(number: int) -> None:
    """Try to understand one again, after the configuration was mended."""
    from bot.cli.operate import retry_quarantine

    retry_quarantine(number)


@quarantine.command("drop")
@click.argument("number", type=int)
def quarantine_drop(number: int) -> None:
    """Put one aside for good; it stays in the audit chain."""
    from bot.cli.operate import drop_quarantine

    drop_quarantine(number)


@cli.group()
def audit() -> None:
    """The audit chain."""


@audit.command("verify")
def audit_verify() -> None:
    """Walk the whole chain; name each entry that was changed, removed, moved or slipped in."""
    from bot.cli.operate import verify_audit

    sys.exit(0 if verify_audit() else 1)


@cli.group()
def routing() -> None:
    """The routing file."""


@routing.command("check")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def routing_check(path: Path) -> None:
    """Read a routing file and list every problem in it."""
    from bot.routing_file import read_routing

    table = read_routing(path)
    click.echo(f"{path}: {len(table.plants)} plants, {len(table.rules) + 1} rules. Good.")
