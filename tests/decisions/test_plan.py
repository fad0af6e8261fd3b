"""What the approver approved, held against what would be written now."""

from dataclasses import replace
from decimal import Decimal

from decisions.plan import Difference, differences
from tests.build import a_change, a_plan, a_precondition, eur, pieces


def test_the_same_plan_has_the_same_hash():
    assert a_plan().hash == a_plan().hash


def test_everything_that_is_sent_or_shown_is_in_the_hash():
    plan = a_plan()
    others = [
        replace(plan, connector="other"),
        replace(plan, company="other"),
        replace(plan, marker="CS-0"),
        replace(plan, requests=(replace(plan.requests[0], body="{}"),)),
        replace(plan, requests=()),
        replace(plan, preconditions=(replace(plan.preconditions[0], value="yes"),)),
        replace(plan, changes=plan.changes[1:]),
        replace(plan, cost=eur(1)),
    ]

    assert len({plan.hash, *(other.hash for other in others)}) == len(others) + 1


def test_a_watched_value_may_move_within_its_tolerance():
    stock = a_precondition(name="stock", subject="B", value="100", tolerance=Decimal(10))
    seen = a_plan(preconditions=(stock,))
    nearly = a_plan(preconditions=(replace(stock, value="91"),))
    far = a_plan(preconditions=(replace(stock, value="89"),))

    assert differences(seen, nearly) == ()
    assert differences(seen, far) == (
        Difference(what="stock", subject="B", before="100", after="89"),
    )


def test_a_watched_value_that_is_no_number_any_more_has_moved():
    stock = a_precondition(value="100", tolerance=Decimal(10))

    moved = differences(
        a_plan(preconditions=(stock,)), a_plan(preconditions=(replace(stock, value="?"),))
    )

    assert len(moved) == 1


def test_a_moved_price_is_named_with_both_values():
    seen = a_plan(changes=(a_change(field="unit_cost", after=eur("31.25")),))
    now = a_plan(changes=(a_change(field="unit_cost", after=eur("33.00")),))

    assert differences(seen, now) == (
        Difference(
            what="unit_cost", subject="1000-B6204", before=eur("31.25"), after=eur("33.00")
        ),
    )


def test_a_precondition_that_came_or_went_is_a_difference():
    blocked = a_precondition()

    assert differences(a_plan(preconditions=()), a_plan(preconditions=(blocked,))) == (
        Difference(what="vendor blocked", subject="V-2040", before=None, after="no"),
    )
    assert differences(a_plan(preconditions=(blocked,)), a_plan(preconditions=())) == (
        Difference(what="vendor blocked", subject="V-2040", before="no", after=None),
    )


def test_a_payload_that_moved_without_anything_to_show_still_counts():
    plan = a_plan()
    other = replace(plan, requests=(replace(plan.requests[0], body="{}"),))

    (difference,) = differences(plan, other)

    assert (difference.what, difference.before, difference.after) == (
        "payload",
        plan.hash,
        other.hash,
    )


def test_a_change_that_is_no_longer_there_is_a_difference():
    seen = a_plan(changes=(a_change(), a_change(field="location", after="MAIN")))
    now = a_plan(changes=(a_change(after=pieces(40)),))

    assert differences(seen, now) == (
        Difference(what="location", subject="1000-B6204", before="MAIN", after=None),
    )
