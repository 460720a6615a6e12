"""REDIS_URL: what is read out of it, what is refused, and that nothing of it is ever quoted."""

from __future__ import annotations

import pytest
from handoff.redis_address import Kind, RedisAddress
from handoff.redis_store import RedisStore


def test_one_redis_is_read_as_ever() -> None:
    address = RedisAddress.of("redis://127.0.0.1:6379/2")
    assert (address.kind, address.hosts, address.db) == (Kind.ONE, (("127.0.0.1", 6379),), 2)
    assert not address.is_tls
    assert RedisAddress.of("redis://redis").hosts == (("redis", 6379),)
    assert RedisAddress.of("redis://redis?db=3").db == 3


def test_sentinels_are_read_with_their_masters_name_and_their_own_user() -> None:
    url = "redis+sentinel://billing:p%40ss%2Cw@10.0.0.1,10.0.0.2:26380,[fd00::3]:26381/mymaster/1?sentinel_password=q"
    address = RedisAddress.of(url)
    assert address.hosts == (("10.0.0.1", 26379), ("10.0.0.2", 26380), ("fd00::3", 26381))
    assert (address.kind, address.master, address.db) == (Kind.SENTINEL, "mymaster", 1)
    assert (address.username, address.password, address.sentinel_password) == ("billing", "p@ss,w", "q")
    assert address.place == "10.0.0.1:26379, 10.0.0.2:26380, [fd00::3]:26381"


def test_a_comma_before_the_at_sign_is_the_passwords() -> None:
    assert RedisAddress.of("redis://u:one,two@a").password == "one,two"


def test_a_cluster_is_read_with_all_nodes_that_are_named() -> None:
    address = RedisAddress.of("redis+cluster://a,b:7000/")
    assert (address.kind, address.hosts, address.db) == (Kind.CLUSTER, (("a", 6379), ("b", 7000)), 0)


@pytest.mark.parametrize("scheme", ["rediss://h", "rediss+sentinel://h/m", "rediss+cluster://h"])
def test_tls_takes_its_files_from_the_query(scheme: str) -> None:
    address = RedisAddress.of(f"{scheme}?ssl_ca_certs=/tls/ca.crt&ssl_certfile=/tls/tls.crt&ssl_check_hostname=no")
    assert address.is_tls
    assert address.options == {
        "ssl_ca_certs": "/tls/ca.crt",
        "ssl_certfile": "/tls/tls.crt",
        "ssl_check_hostname": False,
    }


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://s3cret", "must start with redis://"),
        ("127.0.0.1:6379", "must start with redis://"),
        ("redis+proxy://s3cret", "must start with redis://"),
        ("redis://u:s3cret@a,b", "names several hosts"),
        ("redis://u:p@s3cret/w@h", "must end with the number of a database"),
        ("redis://u:s3cret#x@h", "must"),
        ("redis://u:s3cret", "must look like"),
        ("redis://", "must look like"),
        ("redis://s3cret:99999", "must look like"),
        ("redis://[s3cret", "must"),
        ("redis+sentinel://u:s3cret@a", "must name the master"),
        ("redis+cluster://u:s3cret@a/1", "database 0 alone"),
        ("redis://h?password=s3cret", "has a parameter that is none of db, client_name"),
        ("redis://h?ssl_ca_certs=/s3cret", "no TLS"),
        ("rediss://h?ssl_cert_reqs=s3cret", "has a ssl_cert_reqs that cannot be read"),
        ("redis://h?db=s3cret", "has a db that cannot be read"),
        ("redis://h?sentinel_password=s3cret", "is not a redis+sentinel:// one"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_quoted(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("+", r"\+")) as refusal:
        RedisStore.connect(url)
    assert "s3cret" not in str(refusal.value)


def test_no_secret_is_shown() -> None:
    address = RedisAddress.of("redis+sentinel://me:s3cret@h/m?sentinel_username=s3cret&sentinel_password=s3cret")
    assert "s3cret" not in repr(address) + address.place
