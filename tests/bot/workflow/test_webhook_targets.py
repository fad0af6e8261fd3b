"""Where webhooks may go: each address that is connected to is judged."""

import socket
from contextlib import asynccontextmanager
from ipaddress import ip_address

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from aiohttp.test_utils import TestServer

from bot.workflow.targets import NotPublicError, is_public, may_be_told, webhook_session

INSIDE = (
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104  asked about, not listened on
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
)


class Names(AbstractResolver):
    """A name service that says what a test wants; each question takes the next answer."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        del family
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {
                "hostname": host,
                "host": one,
                "port": port,
                "family": socket.AF_INET6 if ":" in one else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for one in found
        ]

    async def close(self):
        """Hold nothing."""


@asynccontextmanager
async def inside():
    """Run a service that nobody outside may reach; it counts who does."""
    reached = []

    async def take(request):
        reached.append(request.path)
        return web.Response(status=200, headers={"Set-Cookie": "a=b"}, body=b"x" * 1_000_000)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with TestServer(app) as server:
        yield server.port, reached


@pytest.mark.parametrize("address", INSIDE)
def test_an_inside_address_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "20.190.128.1", "193.0.14.129", "2606:4700::1111", "2a00:1450::1"]
)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://planner.example.com/countersign",
        "https://planner.example.com:8443/",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1111]/hook",
        "https://bücher.example/hook",
        "http://127.0.0.1:8080/hook",
        "http://localhost/hook",
        "https://[::1]:9000/",
    ],
)
def test_a_good_address_is_taken(url):
    assert may_be_told(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://planner.example.com/",
        "ftp://planner.example.com/",
        "file:///etc/passwd",
        "//planner.example.com/",
        "https:///hook",
        "https://user@planner.example.com/",
        "https://user:word@planner.example.com/",
        "https://@planner.example.com/",
        "https://planner.example.com:22/",
        "https://planner.example.com:0/",
        "https://planner.example.com:99999/",
        "https://planner/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://10.0.0.0x1/",
        "https://999.999.999.999/",
        "https://planner.example.com\\@127.0.0.1/",
        "https://planner.example.com /",
        "https://planner.example.com/\r\nX: y",
        "https://planner.example.com/\u202e",
        "https://planner.example.com/" + "x" * 2000,
        *(f"https://[{one}]/" if ":" in one else f"https://{one}/" for one in INSIDE[:3]),
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1%251]/",
        "https://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
    ],
)
def test_every_other_spelling_is_refused(url):
    assert not may_be_told(url)


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["::1"], ["10.0.0.1", "127.0.0.1"]])
async def test_a_name_that_leads_inside_reaches_nothing(answer):
    async with inside() as (port, reached), webhook_session(resolver=Names(answer)) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.post(f"http://planner.example.com:{port}/hook")

    assert "not on the public internet" in str(caught.value.os_error)
    assert reached == []


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing():
    names = Names(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"])
    async with inside() as (port, reached), webhook_session(resolver=names) as session:
        for _ in range(3):
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.post(f"http://planner.example.com:{port}/hook")
            assert isinstance(caught.value.os_error, NotPublicError)

    assert reached == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost"]
)
async def test_a_literal_address_needs_no_name_service_and_is_judged_too(host):
    async with inside() as (port, reached), webhook_session() as session:
        with pytest.raises((aiohttp.ClientConnectorError, aiohttp.InvalidURL)):
            await session.post(f"http://{host}:{port}/hook")

    assert reached == []


async def test_this_machine_is_reached_where_the_setting_says_so_and_nothing_is_remembered():
    names = Names(["127.0.0.1"])
    async with (
        inside() as (port, reached),
        webhook_session(loopback=True, resolver=names) as session,
    ):
        for _ in range(2):
            async with session.post(f"http://localhost:{port}/hook") as answer:
                assert answer.status == 200
        kept = list(session.cookie_jar)

    assert reached == ["/hook", "/hook"]
    assert kept == []


async def test_the_setting_opens_this_machine_only():
    names = Names(["10.0.0.1"])
    async with webhook_session(loopback=True, resolver=names) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.post("http://planner.example.com/hook")

    assert isinstance(caught.value.os_error, NotPublicError)
