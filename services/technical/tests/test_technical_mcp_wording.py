"""What callers say about products, problems and tickets, as the back office reads it."""

import pytest
from backoffice.words import Unreadable
from technical_mcp import wording


@pytest.mark.parametrize(
    ("said", "product"),
    [
        ("Cloud Drive", "Cloud Drive"),
        ("the drive", "Cloud Drive"),
        ("cloud backups", "Cloud Backup"),
        ("your API", "Cloud API"),
        ("", ""),
        ("the cloud", ""),
    ],
)
def test_a_product_is_read_however_it_is_called(said: str, product: str) -> None:
    assert wording.product(said) == product


@pytest.mark.parametrize("said", ["Cloud Nine", "the drive or the backup"])
def test_what_is_no_product_of_ours_is_refused_with_those_that_are(said: str) -> None:
    with pytest.raises(Unreadable, match="Cloud Drive, Cloud Backup or Cloud API"):
        wording.product(said)


@pytest.mark.parametrize("said", ["", "TK-1", "TK-302159", "soon"])
def test_what_is_no_ticket_number_is_refused(said: str) -> None:
    with pytest.raises(Unreadable, match="five digits"):
        wording.ticket_id(said)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("crash", "it CRASHES whenever"),
        ("stop respond", "it stopped responding"),
        ("not sync", "my folder isn't syncing"),
        ("conflict copy", "conflicting copies"),
        ("restart", "I've restarted it"),
        ("quit", "quitting did not help"),
    ],
)
def test_endings_do_not_matter(phrase: str, words: str) -> None:
    assert wording.matches([phrase], words) == len(phrase.split())


@pytest.mark.parametrize(
    "words", ["the sync is slow", "stuck is the sync", "the sync runs, but one folder seems stuck"]
)
def test_a_phrase_needs_all_its_words_in_order_and_close_together(words: str) -> None:
    assert wording.matches(["sync stuck"], words) == 0
