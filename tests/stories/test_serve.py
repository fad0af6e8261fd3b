"""`countersign serve` as a process of its own: how it starts, and how it ends."""

import asyncio
import os
import signal
import sys

from erp.standin.faults import Fault
from tests.fakes.hurry import end_leases
from tests.stories.process import started
from tests.stories.served import serving
from tests.stories.world import ANA


async def taken(world):
    """Wait until the request that is to fail has reached the ERP."""
    await world.teams.wait_for(lambda: not world.erp.faults.pending, within=20)


async def test_it_serves_finishes_what_is_in_hand_and_ends_when_told(world):
    async with serving(world) as served:
        status, ready = await served.ready()
        message = await world.recommend()
        await world.teams.press(ANA, message, "approve")
        served.process.send_signal(signal.SIGTERM)
        code = await served.ended()
    await world.start()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert (status, ready["status"]) == (200, "ready")
    assert code == 0
    assert "Traceback" not in "".join(served.lines)
    assert len(world.orders()) == 1


async def test_a_click_in_hand_is_answered_before_it_ends(world):
    async with serving(world) as served:
        message = await world.recommend()
        world.erp.faults.next("GET", "items", Fault.SLOW)
        pressed = asyncio.create_task(world.teams.press(ANA, message, "approve"))
        await taken(world)
        served.process.send_signal(signal.SIGTERM)
        reply = await pressed
        code = await served.ended()
    await world.start()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert reply.status == 200
    assert code == 0
    assert "decided" in served.messages()
    assert len(world.orders()) == 1


async def test_a_write_in_hand_is_finished_before_it_ends(world):
    async with serving(world) as served:
        message = await world.recommend()
        world.erp.faults.next("POST", "purchaseOrders", Fault.SLOW)
        await world.teams.press(ANA, message, "approve")
        await taken(world)
        served.process.send_signal(signal.SIGTERM)
        code = await served.ended()

    assert code == 0
    assert served.messages().index("finishing what is in hand") < served.messages().index(
        "written"
    )
    assert "Traceback" not in "".join(served.lines)
    assert len(world.orders()) == 1


async def test_no_new_connection_is_taken_while_it_ends(world):
    async with serving(world) as served:
        message = await world.recommend()
        world.erp.faults.next("POST", "purchaseOrders", Fault.SLOW)
        await world.teams.press(ANA, message, "approve")
        await taken(world)
        served.process.send_signal(signal.SIGTERM)
        await served.logged("finishing what is in hand")
        port = int(world.url.rpartition(":")[2])
        while await accepts(port):  # noqa: ASYNC110  nobody tells when a port closes
            await asyncio.sleep(0.01)
        still_writing = "written" not in served.messages()
        await served.ended()

    assert still_writing
    assert len(world.orders()) == 1


async def accepts(port):
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_told_twice_it_ends_at_once_and_nothing_is_written_twice(world):
    world.quiet = "PT15M"
    async with serving(world) as served:
        message = await world.recommend()
        world.erp.faults.next("POST", "purchaseOrders", Fault.SLOW)
        await world.teams.press(ANA, message, "approve")
        await taken(world)
        served.process.send_signal(signal.SIGTERM)
        await served.logged("finishing what is in hand")
        served.process.send_signal(signal.SIGTERM)
        code = await served.ended()
    await world.teams.wait_for(world.orders, within=20)
    await world.start()
    await world.bot.ctx.store.turn(end_leases)
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert code == -signal.SIGTERM
    assert "written" not in served.messages()
    assert len(world.orders()) == 1


async def test_without_the_extra_an_endpoint_is_a_sentence(world):
    program = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; "
        "sys.argv = ['countersign', 'serve']; from bot.__main__ import main; main()"
    )
    environment = world.environment() | {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    }

    async with started(sys.executable, "-c", program, env=environment) as process:
        _, complaint = await process.communicate()

    assert process.returncode == 1
    assert "Install countersign[telemetry], or unset it." in complaint.decode()
