"""The words of an error for a person at a shell."""

import pytest

from mcp_grok.cli.shell_words import ABOVE, WORDS, fields_in_shell, message_in_shell
from mcp_grok.errors import IN_PARTIAL, InvalidRequest, StreamTruncated, UpstreamError
from tests import ROOT

URL_PATH = "messages[0].content[1].image_url.url"


@pytest.mark.parametrize("words", WORDS)
def test_words_of_a_client_stand_in_a_message(words: str) -> None:
    others = [path for path in (ROOT / "mcp_grok").rglob("*.py") if path.parent.name != "cli"]
    assert any(words in path.read_text(encoding="utf-8") for path in others)


def test_what_the_user_typed_stands_for_its_parameter() -> None:
    error = InvalidRequest(f"{URL_PATH} cannot be read.", param=URL_PATH)
    assert message_in_shell(error, {URL_PATH: "no.png"}) == "no.png cannot be read."
    assert "param" not in fields_in_shell(error, {URL_PATH: "no.png"})
    assert fields_in_shell(error)["param"] == URL_PATH


def test_text_is_named_where_it_is() -> None:
    error = StreamTruncated(f"It broke. {IN_PARTIAL}", partial="so far")
    assert message_in_shell(error, is_above=True) == f"It broke. {ABOVE}"
    assert "partial" not in fields_in_shell(error, is_above=True)
    assert message_in_shell(error) == error.message
    assert fields_in_shell(error)["partial"] == "so far"


def test_fields_are_written_for_a_person() -> None:
    error = UpstreamError("Wait.", retryable=True, retry_after=3.0, status=429)
    written = fields_in_shell(error)
    assert (written["retryable"], written["retry_after"], written["status"]) == ("yes", "3", "429")
    assert fields_in_shell(InvalidRequest("No."))["retryable"] == "no"
