"""Attack the running program for as long as one likes: `make fuzz`."""

import argparse
import asyncio
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tests.fakes.databases import fresh_sqlite
from tests.hostile.attack import attack_api, attack_messages, good_activities
from tests.stories.world import ANA, World


async def attacked(cases):
    """Attack both doors; return what each answered, by status."""
    with TemporaryDirectory() as name:
        async with World(fresh_sqlite(Path(name)), Path(name)) as world:
            message = await world.recommend()
            good = good_activities(world, ANA, message)
            token = world.identity.sign(service_url=world.teams.service_url)
            url = world.teams.bot_url
            messages = await asyncio.to_thread(attack_messages, url, token, good, cases=cases)
            api = await asyncio.to_thread(attack_api, world.url, world.headers, cases=cases)
            await world.story()
            return {"/api/messages": messages, "/api/v1": api}


def main():
    """Print a table; an answer that must not be ends with its example."""
    logging.disable()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    found = asyncio.run(attacked(parser.parse_args().cases))
    table = Table("Door", "Cases", "Statuses", "Failures")
    for door, seen in found.items():
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(seen.items()))
        table.add_row(door, f"{sum(seen.values()):,}", statuses, "0")
    Console().print(table)


if __name__ == "__main__":
    main()
