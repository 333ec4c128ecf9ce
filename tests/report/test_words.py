from __future__ import annotations

from typing import Any

import pytest

from conformance.report import words
from tests.report.asked import mask_differences, mask_text, shapes_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ünïcode and עברית stay", "plain text, ünïcode and עברית stay"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\x00b\x08c\x7fd\x9fe", "a\\x00b\\x08c\\x7fd\\x9fe"),
        ("user\u202eexe.txt\u2066", "user\\u202eexe.txt\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028separator", "line\\u2028separator"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("carriage\rreturn", "carriage\\x0dreturn"),
        ("windows\r\nline", "windows\nline"),
        (12, "12"),
    ],
)
def test_safe_text_shows_what_a_terminal_or_a_browser_would_obey(text: Any, shown: Any) -> None:
    assert words.safe(text) == shown


def test_safe_text_is_bounded_and_says_by_how_much() -> None:
    shown = words.safe("x" * 1_000_000)
    assert shown.endswith(f"xx [... {1_000_000 - words.TEXT} more characters]")
    assert len(shown) < words.TEXT + 50


@pytest.mark.parametrize(
    ("text", "can_be_a_link"),
    [
        ("https://keras.io/api/layers/#dense", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://a b", False),
        ("see https://keras.io", False),
        ("https://a\\u202eb", False),
        ("", False),
    ],
)
def test_only_an_address_becomes_a_link(text: Any, can_be_a_link: Any) -> None:
    assert words.is_address(words.safe(text)) is can_be_a_link


def test_one_line_is_one_line() -> None:
    assert words.one_line("  a\n\n b\tc ") == "a b c"
    assert words.one_line("x" * 50, 10) == "x" * 9 + "…"
    assert "\n" not in words.one_line("\n" * 10_000 + "a" * 10_000)


@pytest.mark.parametrize(
    ("shape", "text"), [((2, 7), "(2, 7)"), ((7,), "(7,)"), ((), "()"), ((None, 7), "(None, 7)"), (None, "none")]
)
def test_shapes_are_written_as_python_prints_them(shape: Any, text: Any) -> None:
    assert words.shape_text(shape) == text


def test_names_of_axes_are_bound_to_numbers() -> None:
    assert words.named_shape(["batch", "steps"], [2, 11]) == "[batch, steps] = (2, 11)"
    assert words.named_shape(["batch", ""], [2, 4]) == "[batch, 4] = (2, 4)"
    assert words.named_shape(["", ""], [2, 4]) == "(2, 4)"
    assert words.bound_shape(["batch", ""], [2, 4]) == "(batch 2, 4)"
    assert words.bound_shape([""], [4]) == "(4,)"
    assert shapes_text([[2, 5], [2, 3]]) == "[(2, 5), (2, 3)]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.10000000149011612, "0.1"),  # the float32 next to 0.1, in full
        (1.0, "1.0"),
        (-300.0, "-300.0"),
        (-0.0, "-0.0"),
        (16777216.0, "16777216.0"),  # 2^24
        (1e-45, "1e-45"),  # the smallest float32
        (1e300, "1e+300"),  # no float32
        ("NaN", "nan"),
        ("-Infinity", "-inf"),
    ],
)
def test_numbers_are_shown_with_the_digits_that_a_float32_has(value: Any, text: Any) -> None:
    assert words.single(value) == text


@pytest.mark.parametrize(
    ("used", "text"),
    [
        (0, "exact"),
        (0.001, "under 1 % of the budget"),
        (0.074, "7 % of the budget"),
        (1, "100 % of the budget"),
        (40.25, "40.2 times the budget"),
        (137_870.97, "137,871 times the budget"),
        ("Infinity", "where no error is allowed"),
    ],
)
def test_a_share_of_the_budget_is_told_in_proportion(used: Any, text: Any) -> None:
    assert words.used_text(used) == text


def test_under_a_head_that_names_the_budget_it_is_not_named_again() -> None:
    assert [words.share_text(used) for used in (0, 0.001, 0.074, 140)] == ["exact", "under 1 %", "7 %", "140 times"]


def test_a_mask_is_told_by_shape_and_count() -> None:
    assert mask_text(None) == "none"
    assert mask_text({"shape": [2, 5], "true": 7, "values": None}) == "(2, 5) with 7 of 10 true"


def test_masks_are_compared_only_where_they_can_be_laid_side_by_side() -> None:
    a = {"shape": [2], "true": 1, "values": [0, 1]}
    assert mask_differences(a, {**a, "values": [1, 1]}) == (1, 2)
    assert mask_differences(a, None) is None
    assert mask_differences(a, {"shape": [1], "true": 1, "values": [1]}) is None
    assert mask_differences(a, {**a, "values": None}) is None


def test_keras_wrapping_of_a_message_is_taken_off() -> None:
    wrapped = (
        "Exception encountered when calling Dense.call().\n\n\x1b[1mshapes do not fit\x1b[0m\n\n"
        "Arguments received by Dense.call():\n  • inputs=..."
    )
    assert words.essence(wrapped) == "shapes do not fit (in Dense.call())"
    assert words.essence("a plain message") == "a plain message"


def test_the_wrapping_of_keras_2_and_the_device_of_an_operation_are_taken_off_too() -> None:
    wrapped = (
        "Exception encountered when calling layer 'embed' (type Embedding).\n\n"
        "{{function_node __wrapped__ResourceGather_device_/job:localhost/replica:0/task:0/device:CPU:0}} "
        "indices[0,2] = 30 is not in [0, 30) [Op:ResourceGather] name: \n\n"
        "Call arguments received by layer 'embed' (type Embedding):\n  • inputs=..."
    )
    assert words.essence(wrapped) == (
        "indices[0,2] = 30 is not in [0, 30) [Op:ResourceGather] name: (in layer 'embed' (type Embedding))"
    )
    assert words.essence("at {{node softmax/add}} = AddV2") == "at {{node softmax/add}} = AddV2"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("E0000 00:00:1795347206.112640   17671 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n", ""),
        ("WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\nmine", "mine"),
        ("E0000 00:00:1795347206.112640   17671 matmul_op.cc:12] out of range\n", None),
        ("  cuda_platform.cc:52] in words of somebody else", None),
    ],
)
def test_what_a_framework_says_of_the_machine_at_its_start_is_no_evidence(printed: str, shown: str | None) -> None:
    assert words.without_start_up(printed) == (printed.rstrip("\n") if shown is None else shown)
