"""Every peer says how it is started and which requests it takes."""

import pytest

from benchmarks.harness import peers, request_bodies


def test_convlens_comes_first() -> None:
    names = peers.names()
    assert names[0] == "convlens"
    assert len(names) == len(set(names)) > 10


@pytest.mark.parametrize("name", peers.names())
def test_peer_can_be_installed_and_asked(name: str) -> None:
    peer = peers.read(name)
    assert (peer.folder / "requirements.txt").exists() == (name != "convlens")
    assert peer.endpoints
    assert all(one.body in request_bodies.KINDS for one in peer.endpoints)
