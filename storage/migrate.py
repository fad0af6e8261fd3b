"""Bringing the tables up to date, from inside the program."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, select

_SCRIPTS: Final = Path(__file__).parent / "migrations"

_ONE_AT_A_TIME: Final = 0x636D
"""The advisory lock that keeps replicas from migrating PostgreSQL at the same time."""


def migrate(engine: Engine) -> None:
    """Run every migration that has not run yet, all of them or none."""
    config = _config()
    with engine.begin() as connection:
        if connection.dialect.name != "sqlite":  # SQLite has one writer by itself
            connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Tell whether the newest migration has run."""
    with engine.begin() as connection:
        standing = MigrationContext.configure(connection).get_current_revision()
    return standing == _newest()


@cache
def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
