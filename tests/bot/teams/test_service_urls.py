import pytest

from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls, UntrustedHostError


@pytest.mark.parametrize(
    "url",
    [
        "https://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net/teams",
        "https://SMBA.trafficmanager.net/amer/0f2d7c64-5c0e-4a8e-9a53-1d3f5c8b7e10/",
        "https://smba.trafficmanager.net:443/emea/",
        "https://smba.infra.gcc.teams.microsoft.com/gcc/",
    ],
)
def test_the_bot_connector_is_trusted(url):
    assert ServiceUrls.of(*TEAMS_HOSTS).trust(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net:8443/emea/",
        "https://smba.trafficmanager.net.evil.example/emea/",
        "https://evil.example/smba.trafficmanager.net",
        "https://smba.trafficmanager.net@evil.example/",
        "https://evil.example\\@smba.trafficmanager.net/",
        "https://evil.example#@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net/emea/?x=1",
        "https://smba.trafficmanager.net/a/../b",
        "https://smba.trafficmanager.net/%2e%2e/",
        " https://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net/emea/\n",
        "//smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net./emea/",
        "https://smba.trafficmanager.net:0443/emea/",
        "https://smba.trafficmanager.net:/emea/",
        "https://smba.trafficmanager.net:443@evil.example/",
        "https:/smba.trafficmanager.net/emea/",
        "https:\\\\smba.trafficmanager.net\\emea",
        "https://smba.trafficmanager.net;evil.example/",
        "https://smba.trafficmanager.net%2eevil.example/",
        "https://smba.trafficmanager.net\t/emea/",
        "https://smba.trafficmanager.net\0.evil.example/",
        "https://ѕmba.trafficmanager.net/emea/",  # noqa: RUF001  a Cyrillic letter is the trick
        "https://smba。trafficmanager。net/emea/",
        "https://x.smba.trafficmanager.net/emea/",
        "https://[::ffff:127.0.0.1]/emea/",
        "https://smba.trafficmanager.net/\u202emoc.elpmaxe.live",
        "https://smba.trafficmanager.net//..//emea/",
        "javascript:https://smba.trafficmanager.net/",
        "file:///etc/passwd",
        "http://127.0.0.1:56150/_connector",
    ],
)
def test_everything_else_is_not(url):
    assert not ServiceUrls.of(*TEAMS_HOSTS).trust(url)


def test_a_stand_in_on_this_machine_is_trusted_where_it_is_named():
    allowed = ServiceUrls.of("http://127.0.0.1:56150", "http://localhost")

    trusted = [
        allowed.trust(url)
        for url in (
            "http://127.0.0.1:56150/_connector",
            "http://localhost:1/_connector",
            "http://127.0.0.1:56151/_connector",
            "http://127.0.0.1.evil.example:56150/",
        )
    ]

    assert trusted == [True, True, False, False]


def test_an_empty_list_trusts_nothing():
    assert not ServiceUrls.of().trust("https://smba.trafficmanager.net/emea/")


@pytest.mark.parametrize(
    "entry", ["http://smba.trafficmanager.net", "http://127.0.0.1/x", "https://", "*", "", "com"]
)
def test_a_list_that_is_too_trusting_is_refused(entry):
    with pytest.raises(UntrustedHostError):
        ServiceUrls.of(entry)
