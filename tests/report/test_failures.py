"""A lane's failure in the terminal, whole: verdict, question, answers, what is allowed, steps, whom to suspect."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from conformance.report.text import MAX_LINES
from tests.report import factory
from tests.report.asked import attribution, case_text, headline, lane_failure
from tests.report.factory import (
    LANE_ROWS,
    OVER,
    agreeing,
    answered,
    differing,
    failure,
    finding,
    lane,
    odd,
    pair,
    record,
    wrong_shape,
)

NO_MISTAKE = "No known mistake and no simple change gives the answer."


def test_a_wrong_shape_whole() -> None:
    assert lane_failure(wrong_shape(), "torch") == dedent(
        """\
        shape of pooled: torch (2, 7), expected [batch, steps] = (2, 11) by the case

          question  One number per word, or one vector per sentence?
          case      cases/pooling/global_average.case.yaml:14
          answers   expected  [batch, steps] = (2, 11)  by the case
                    numpy     (2, 11)                   agree
                    keras     (2, 11)                   agree
                    torch     (2, 7)                    differ
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 7)   the mean over the 7 of the last axis
          so        torch stands alone: numpy and keras agree with each other
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[torch]\""""
    )


def test_values_over_the_budget_whole() -> None:
    held = differing("torch", OVER, pooled={"values": [[0.5726] * 11] * 2, "distance": OVER["distance"]})
    held["explanation"] = "torch answers as one who averages over the other axis (GlobalAveragePooling1D.wrong_axis)."
    assert lane_failure(odd("torch", held, OVER), "torch") == dedent(
        """\
        values of pooled: torch has 12 of 22 elements over the budget around the reference, worst at [0, 3]: \
|0.5726 - 1.0| = 0.4274 > 3.1e-06

          question  One number per word, or one vector per sentence?
          case      cases/pooling/global_average.case.yaml:14
          answers   numpy  0.75 at [0, 3]                              agree
                    keras  0.75 at [0, 3], 7 % of the budget           agree
                    torch  0.5726 at [0, 3], 137,871 times the budget  differ
          allowed   |0.5726 - 1.0| = 0.4274 > 3.1e-06 at [0, 3]; 137,871 times the budget
                    C (S + u |ref|) + floor with C = 9.414, S = 2.1e-07, u = 2^-24, floor = 2.4e-07
          because   torch answers as one who averages over the other axis (GlobalAveragePooling1D.wrong_axis).
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 11)   the mean over the 7 of the last axis
          so        torch stands alone: numpy and keras agree with each other
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[torch]\""""
    )


def test_an_error_whole() -> None:
    raised = failure("InvalidArgumentError", "Incompatible shapes\n[2,11] vs. [2,7]")
    found = finding("error", "raised", got=raised)
    held = lane(verdict="error", failure=raised, findings=[found], chatter="a warning\nthe last line that it printed\n")
    assert lane_failure(odd("keras", held, found), "keras") == dedent(
        """\
        error: keras raised InvalidArgumentError in call at pooled: Incompatible shapes [2,11] vs. [2,7]

          question  One number per word, or one vector per sentence?
          case      cases/pooling/global_average.case.yaml:14
          answers   numpy  (2, 11)                                                                   agree
                    keras  raised InvalidArgumentError in call at pooled: Incompatible shapes [2,1…  error
                    torch  (2, 11)                                                                   agree
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 11)   the mean over the 7 of the last axis
                    pooled            raised InvalidArgumentError in call
          printed   the last line that it printed
          so        keras stands alone: numpy and torch agree with each other
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[keras]\""""
    )


@pytest.mark.parametrize(
    ("verdict", "reason"), [("timeout", "no answer within 60 s"), ("crash", "the lane's process died (SIGABRT)")]
)
def test_a_lost_lane_says_how_and_how_to_run_it_again(verdict: Any, reason: Any) -> None:
    text = lane_failure(odd("keras", lane(verdict=verdict, reason=reason, chatter="Fatal Python error")), "keras")
    assert text.splitlines()[0] == f"{verdict}: keras: {reason}"
    assert "printed   Fatal Python error" in text
    assert text.splitlines()[-1].endswith('global_average.channels_first[keras]"')


@pytest.mark.parametrize("verdict", ["timeout", "crash"])
def test_a_lost_lane_says_nothing_of_the_others(verdict: Any) -> None:
    """A lane that was killed agrees with nobody, and nobody suspects the case or a lane that answered."""
    lost = record(
        {"keras": lane(verdict=verdict, reason="killed"), "torch": answered("torch"), "numpy": answered("numpy")}
    )
    assert attribution(lost) == "keras gave no answer, from which nothing follows for the others"
    both = {"keras": lane(verdict=verdict), "torch": lane(verdict=verdict), "numpy": answered("numpy")}
    assert attribution(record(both)) == "keras and torch gave no answer, from which nothing follows for the others"


def test_a_failure_never_takes_more_than_its_lines_and_keeps_verdict_and_command() -> None:
    lanes = {f"lane{index}": answered("torch") for index in range(20)}
    many = [factory.step(f"n{index}", "f", [[2, 11]], [2, 11], "a rule " * 40) for index in range(60)]
    findings = [OVER, *(finding("values", label=f"n{index}", distance=OVER["distance"]) for index in range(19))]
    raised = failure(message="line\n" * 500)
    held = lane(
        verdict="differ", findings=findings, failure=raised, steps=many, findings_left_out=40, chatter="x\n" * 99
    )
    held["explanation"] = "because " * 400
    torn = record({**lanes, "torch": held, "numpy": answered("numpy")}, question="why? " * 500, odd_one_out="torch")
    lines = lane_failure(torn, "torch").splitlines()
    assert len(lines) <= MAX_LINES
    assert lines[0].startswith("values of pooled: torch has 12 of 22")
    assert lines[-1].startswith("  again     pytest ")
    assert any("and 16 more lanes" in line for line in lines)
    assert any("also      values of n0, n1, n2, n3, n4, n5 and 53 more" in line for line in lines)
    assert max(len(line) for line in lines) < 420


def test_hostile_text_cannot_reach_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07 a\u202eb\x00"
    held = lane(verdict="error", failure=failure(hostile, hostile, label=hostile), findings=[], chatter=hostile)
    held["findings"] = [finding("error", "raised", hostile, got=held["failure"])]
    torn = odd(
        "torch", held, question=hostile, remark=hostile, path=hostile, text=hostile, id=hostile, layers=[hostile]
    )
    for text in (headline(torn, "torch"), lane_failure(torn, "torch"), case_text(torn, LANE_ROWS)):
        assert not set(text) & set("\x1b\x07\x00\u202e")
        assert "\\x1b]0;owned\\x07" in text


@pytest.mark.parametrize(
    ("torn", "words"),
    [
        (
            odd("numpy", answered("numpy")),
            "keras and torch agree with each other, the reference differs: suspect the reference",
        ),
        (wrong_shape(), "torch stands alone: numpy and keras agree with each other"),
        (
            record(
                {name: differing(name, factory.SHAPE) for name in ("keras", "torch", "numpy")},
                pairs=[pair("numpy", "keras"), pair("numpy", "torch"), pair("keras", "torch")],
            ),
            "all lanes give the same answer: suspect what the case expects",
        ),
        (
            record(
                {"keras": differing("keras", factory.SHAPE), "torch": answered("torch"), "numpy": answered("numpy")},
                pairs=[pair("numpy", "keras"), pair("numpy", "torch"), pair("keras", "torch")],
            ),
            "the lanes agree with each other; the difference is to what the case expects",
        ),
        (
            record(
                {name: differing(name, OVER) for name in ("keras", "torch")} | {"numpy": answered("numpy")},
                pairs=[
                    pair(*names, OVER, 9.0) for names in (("numpy", "keras"), ("numpy", "torch"), ("keras", "torch"))
                ],
            ),
            "no two lanes agree",
        ),
        (agreeing(), ""),
        (
            record(
                {"keras": differing("keras", OVER), "torch": answered("torch"), "numpy": answered("numpy")},
                pairs=[pair("numpy", "torch")],  # a lane that was laid beside no other, and differs alone
            ),
            "",
        ),
    ],
)
def test_what_follows_from_who_agrees_with_whom(torn: Any, words: Any) -> None:
    assert attribution(torn) == words


@pytest.mark.parametrize(("said", "is_told"), [(NO_MISTAKE, False), ("keras answers as one who sums (A.sums).", True)])
def test_that_no_mistake_explains_lanes_which_all_agree_is_no_news(said: str, is_told: bool) -> None:
    cause = factory.cause("mistake" if is_told else "unknown")
    lanes = {
        name: {**differing(name, factory.SHAPE), "explanation": said, "cause": cause}
        for name in ("keras", "torch", "numpy")
    }
    torn = record(lanes, pairs=[pair("numpy", "keras"), pair("numpy", "torch"), pair("keras", "torch")])
    for text in (lane_failure(torn, "keras"), case_text(torn, LANE_ROWS)):
        assert (said in text) == is_told
        assert "suspect what the case expects" in " ".join(text.split())


def test_of_one_lane_alone_it_is() -> None:
    torn = wrong_shape()
    torn["lanes"]["torch"]["explanation"] = NO_MISTAKE
    assert NO_MISTAKE in lane_failure(torn, "torch")
