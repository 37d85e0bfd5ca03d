import os

import pytest

from service.workers import quiet_stderr


def test_first_use_is_unheard_and_later_ones_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    for words in (b"announced", b"warned"):
        with quiet_stderr.unheard("a library of this test"):
            os.write(2, words)
    assert capfd.readouterr().err == "warned"


def test_stderr_is_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), quiet_stderr.unheard("a broken library"):
        raise ValueError("broken")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
