"""Whatever is done to the chain is found and named."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from decisions.audit import GENESIS, Broken, next_entry, verify
from tests.build import an_event


def a_chain(length):
    entries, seq, last = [], 0, GENESIS
    for number in range(length):
        entry = next_entry(an_event(body={"n": number}), last_seq=seq, last_hash=last)
        entries.append(entry)
        seq, last = entry.seq, entry.hash
    return entries


def found(entries, *, length=6):
    head = a_chain(length)[-1]
    return list(verify(entries, last_seq=head.seq, last_hash=head.hash))


def test_a_chain_that_nobody_touched_holds():
    assert found(a_chain(6)) == []


def test_a_changed_entry_is_named():
    chain = a_chain(6)
    chain[2] = replace(chain[2], event=replace(chain[2].event, body={"n": 99}))

    assert found(chain) == [Broken(seq=3, what="changed")]


def test_a_removed_entry_is_named():
    chain = a_chain(6)
    del chain[2]

    assert found(chain)[0] == Broken(seq=3, what="removed: 3")


def test_several_removed_entries_are_named():
    assert found(a_chain(6)[3:])[0] == Broken(seq=1, what="removed: 1 to 3")


def test_entries_cut_off_at_the_end_are_missed():
    assert found(a_chain(6)[:4]) == [Broken(seq=5, what="removed: 5 to 6")]


def test_an_entry_added_behind_the_head_is_named():
    assert found(a_chain(7)) == [Broken(seq=7, what="added behind the head")]


def test_a_slipped_in_entry_is_named():
    chain = a_chain(6)
    chain.insert(3, next_entry(an_event(kind="forged"), last_seq=2, last_hash=chain[1].hash))

    assert Broken(seq=3, what="inserted or out of order") in found(chain)


def test_two_swapped_entries_are_named():
    chain = a_chain(6)
    chain[1], chain[2] = chain[2], chain[1]

    assert {one.seq for one in found(chain)} >= {2, 3}


def test_a_rewritten_tail_with_good_hashes_is_not_what_the_head_names():
    chain = a_chain(6)
    forged = next_entry(an_event(kind="forged"), last_seq=5, last_hash=chain[4].hash)

    assert found([*chain[:5], forged]) == [
        Broken(seq=6, what="is not the entry that the head names")
    ]


@given(data=st.data())
def test_no_single_manipulation_goes_unseen(data):
    chain = a_chain(6)
    at = data.draw(st.integers(0, 5))
    other = data.draw(st.integers(0, 5).filter(lambda index: index != at))
    match data.draw(st.sampled_from(["change", "remove", "swap", "copy"])):
        case "change":
            body = {"n": data.draw(st.integers(100, 200))}
            chain[at] = replace(chain[at], event=replace(chain[at].event, body=body))
        case "remove":
            del chain[at]
        case "swap":
            chain[at], chain[other] = chain[other], chain[at]
        case _:
            chain.insert(at, chain[other])

    assert found(chain) != []
