"""Waiting for PostgreSQL to say that another process added jobs."""

import asyncio
from collections.abc import Callable
from typing import Final

from psycopg import AsyncConnection, OperationalError, sql
from sqlalchemy import URL

from storage.unit_of_work import JOBS_CHANNEL

_LONGEST_PAUSE: Final = 30.0


async def listen(url: URL, wake: Callable[[], None]) -> None:
    """Call `wake` at each notification, and after each connection for what was missed.

    It connects again for as long as it takes, with at most half a minute in between; workers
    find their jobs by polling meanwhile. It ends by being cancelled.
    """
    if url.get_backend_name() == "sqlite":
        await asyncio.Event().wait()
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    pause = 1.0
    while True:
        try:
            async with await AsyncConnection.connect(address, autocommit=True) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(JOBS_CHANNEL)))
                pause = 1.0
                wake()
                async for _ in connection.notifies():
                    wake()
        except OperationalError:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
