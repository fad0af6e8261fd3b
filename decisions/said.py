"""What a person says of something that was sent where nobody can look: it came, or it did not."""

from decisions.countersign import Answering, ClosedError, NotYourDecisionError, StaleCardError
from decisions.recommendation import Recommendation


def check_said(one: Recommendation, who: Answering) -> None:
    """Refuse a word from somebody who has none, or about something that is known.

    Raises:
        NotYourDecisionError: the person is not on the route.
        ClosedError: nobody is asked.
        StaleCardError: the card is from an earlier round.
    """
    if not one.may_decide(who.person.id):
        raise NotYourDecisionError(one)
    if not one.asks_what_came:
        raise ClosedError(one.state)
    if who.round != one.round:
        raise StaleCardError
