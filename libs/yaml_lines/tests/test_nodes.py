"""What stands wrong in a file is told with its line and with what would be right; all of it at once, and nothing is raised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from yaml_lines.nodes import Nodes, Problem, is_flag, is_number, line_of

Reading = Callable[[str], tuple[Nodes, yaml.Node]]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """A file of that text, and the value of its only key."""

    def read(text: str) -> tuple[Nodes, yaml.Node]:
        nodes = written(tmp_path, f"here: {text}\n")
        root = nodes.document(absent="", empty="")
        assert root is not None
        return nodes, nodes.mapping(root, "the file", ("here",), "here: it")["here"]

    return read


def written(folder: Path, text: str | bytes, *, is_secret: bool = False) -> Nodes:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Nodes(path, is_secret=is_secret)


def told(nodes: Nodes) -> tuple[int, str, str]:
    (problem,) = nodes.problems
    return problem.line, problem.what, problem.right


# --- files ------------------------------------------------------------------------------------------------------------
def test_a_problem_is_printed_with_its_place_and_below_it_what_would_be_right() -> None:
    assert str(Problem(Path("a.yaml"), 7, "`when` is 'soon'", "write a number")) == (
        "a.yaml:7: `when` is 'soon'\n    write a number"
    )


def test_a_file_of_one_document_has_one_root(tmp_path: Path) -> None:
    nodes = written(tmp_path, "# a word before\na: 1\n")
    root = nodes.document(absent="", empty="")
    assert root is not None
    assert (line_of(root), nodes.problems) == (2, [])


def test_a_second_document_is_wrong_where_one_is_wanted_and_right_where_several_are(tmp_path: Path) -> None:
    nodes = written(tmp_path, "a: 1\n---\nb: 2\n")
    assert len(nodes.documents(absent="", empty="")) == 2
    assert nodes.problems == []
    assert nodes.document(absent="", empty="") is None
    assert told(nodes) == (3, "a second document begins", "take the `---` out, or make it a file of its own")


@pytest.mark.parametrize(
    ("text", "line", "what", "right"),
    [
        ("", 1, "is empty", "copy the example"),
        ("a: 1\nb: 'open\n", 3, "is not YAML: while scanning a quoted scalar", "indentation"),
        ("a: *nobody\n", 1, "is not YAML: found undefined alias", "into quotes"),
        ("a: \x01\n", 1, "is not YAML: ", "a character that no text has"),
        (b"\xff\xfe", 1, "is not UTF-8 text", "save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_not_raised(
    tmp_path: Path, text: str | bytes, line: int, what: str, right: str
) -> None:
    nodes = written(tmp_path, text)
    assert nodes.document(absent="name another", empty="copy the example") is None
    found = told(nodes)
    assert (found[0], what in found[1], right in found[2]) == (line, True, True), found


def test_a_file_that_is_not_there_is_told_with_what_the_reader_advises(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path / "nowhere.yaml")
    assert nodes.documents(absent="name another", empty="") == []
    assert told(nodes) == (1, "cannot be read: No such file or directory", "name another")


@pytest.mark.parametrize("text", ["a: *hunter2", "a: 'hunter2", "a: \x01hunter2", "hunter2: [", "a: {hunter2"])
def test_of_a_file_that_may_hold_a_secret_nothing_is_quoted(tmp_path: Path, text: str) -> None:
    nodes = written(tmp_path, text, is_secret=True)
    assert nodes.document(absent="", empty="") is None
    assert told(nodes)[1] == "is not YAML"
    assert "hunter2" not in str(nodes.problems)


# --- values -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "what"), [("[a]", "it is a list"), ("[]", "it is empty"), ("", "it is empty"), ("word", "it is 'word'")]
)
def test_what_is_no_mapping_is_told_as_what_it_is(reading: Reading, text: str, what: str) -> None:
    nodes, node = reading(text)
    assert nodes.mapping(node, "it", None, "a: 1") == {}
    assert told(nodes) == (1, what, "write `name: value` pairs, such as `a: 1`")


def test_keys_that_are_unknown_or_stand_twice_are_told_and_the_others_are_there(reading: Reading) -> None:
    nodes, node = reading("\n  service: triage\n  servise: billing\n  service: sales")
    assert nodes.mapping(node, "it", ("service", "number"), "").keys() == {"service"}
    assert [(problem.line, problem.what) for problem in nodes.problems] == [
        (3, "it has no `servise`"),
        (4, "`service` stands twice in it"),
    ]
    assert nodes.problems[0].right == "did you mean `service`? It takes `service`, `number`"


def test_a_list_may_be_empty_unless_it_must_not(reading: Reading) -> None:
    nodes, node = reading("[]")
    assert nodes.items(node, "it", "[a]") == []
    assert nodes.problems == []
    assert nodes.items(node, "it", "[a]", may_be_empty=False) == []
    assert told(nodes) == (1, "it is empty", "write a list, such as `[a]`")


@pytest.mark.parametrize(("text", "words"), [("Yes", "Yes"), ("42", "42"), ("' a  b '", "a  b"), ("1:30", "1:30")])
def test_words_are_taken_as_they_stand(reading: Reading, text: str, words: str) -> None:
    nodes, node = reading(text)
    assert nodes.text(node, "it", "") == words
    assert nodes.problems == []


def test_of_a_few_words_the_nearest_is_proposed(reading: Reading) -> None:
    nodes, node = reading("fone")
    assert nodes.choice(node, "it", ("web", "phone")) == ""
    assert told(nodes) == (1, "it is 'fone'", "did you mean `phone`? It takes `web`, `phone`")


@pytest.mark.parametrize(("text", "is_on"), [("true", True), ("yes", True), ("On", True), ("false", False)])
def test_true_and_false_have_the_spellings_of_yaml(reading: Reading, text: str, is_on: bool) -> None:
    nodes, node = reading(text)
    assert is_flag(node)
    assert nodes.flag(node, "it") is is_on
    assert nodes.problems == []


def test_a_word_in_quotes_is_neither_true_nor_a_number(reading: Reading) -> None:
    nodes, flag = reading("'true'")
    assert not is_flag(flag)
    assert nodes.flag(flag, "it") is False
    assert told(nodes) == (1, "it is 'true'", "write `true` or `false`")
    nodes, number = reading("'3'")
    assert not is_number(number)
    assert nodes.number(number, "it", least=0, most=5) is None
    assert told(nodes) == (1, "it is '3'", "write a number from 0 to 5")


@pytest.mark.parametrize("text", ["-1", "5.1", "soon", "", "[1]", "0x03", ".nan"])
def test_a_number_out_of_bounds_or_none_is_told(reading: Reading, text: str) -> None:
    nodes, node = reading(text)
    assert nodes.number(node, "it", least=0, most=5) is None
    assert told(nodes)[2] == "write a number from 0 to 5"


@pytest.mark.parametrize("text", ["4", "181", "7.5", "-8", "soon", "{}"])
def test_a_whole_number_out_of_bounds_or_none_is_told_and_the_least_is_taken(reading: Reading, text: str) -> None:
    nodes, node = reading(text)
    assert nodes.whole_number(node, "it", least=5, most=180) == 5
    assert told(nodes)[2] == "write a whole number from 5 to 180"


def test_the_same_problem_is_noted_once_and_all_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    for line in (3, 1, 3):
        nodes.wrong(line, "wrong", "right")
    assert [problem.line for problem in nodes.problems_in_order] == [1, 3]
