"""Somebody with the password of the database, who goes past the program."""

from sqlalchemy import create_engine

_DISARM = {
    "sqlite": (
        "DROP TRIGGER audit_refuses_update",
        "DROP TRIGGER audit_refuses_delete",
        "DROP TRIGGER audit_refuses_replace",
    ),
    "postgresql": ("DROP TRIGGER audit_refuses_change ON audit",),
}


def run(url: str, *statements: str) -> None:
    """Run statements and commit."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def disarm(url: str) -> None:
    """Drop the triggers that keep the audit chain append-only."""
    engine = create_engine(url)
    name = engine.dialect.name
    engine.dispose()
    run(url, *_DISARM[name])
