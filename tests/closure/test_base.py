from __future__ import annotations

import pytest

from bandersnatch.closure.base import Closure, Item, Locked, Newest, Policy, Ranges, Unknown, key, policy
from bandersnatch.errors import UsageError
from tests.closure.places import LINUX, WINDOWS


def test_a_closure_can_be_stored() -> None:
    """What is stored comes back as it was."""
    closure = Closure((Item("a==1", "it is asked for"),), (Unknown("b", "", "é"),))
    assert Closure.from_json(closure.to_json()) == closure


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"form":0,"items":[],"unknown":[]}', '{"form":1}'])
def test_what_is_no_stored_closure(text: str) -> None:
    """Damage, and what another version of the program stored, is no closure and no error."""
    assert Closure.from_json(text) is None


@pytest.mark.parametrize(("text", "expected"), [("locked", Locked()), ("ranges", Ranges()), ("newest 3", Newest(3))])
def test_policies(text: str, expected: Policy) -> None:
    """The three policies are read, and written as they are read."""
    assert policy(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["", "newest", "newest 0", "newest -1", "newest 3 ", "Locked", "3"])
def test_no_policies(text: str) -> None:
    """Everything else is refused."""
    with pytest.raises(UsageError, match="newest 3"):
        policy(text)


def test_the_key_has_all_that_decides() -> None:
    """Another requirement, constraint, interpreter, policy or fact is another key; the order is not."""
    keys = {
        key(["a", "b"], [], [LINUX], Locked(), "upstream", 7),
        key(["b", "a"], [], [LINUX], Locked(), "upstream", 7),
        key(["a"], ["b"], [LINUX], Locked(), "upstream", 7),
        key(["a", "b"], [], [WINDOWS], Locked(), "upstream", 7),
        key(["a", "b"], [], [LINUX, WINDOWS], Locked(), "upstream", 7),
        key(["a", "b"], [], [LINUX], Newest(1), "upstream", 7),
        key(["a", "b"], [], [LINUX], Newest(2), "upstream", 7),
        key(["a", "b"], [], [LINUX], Locked(), "upstream", 8),
    }
    assert len(keys) == 7
