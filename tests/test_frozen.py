"""A frozen class behaves as the dataclass that it replaces, from its first use on."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from anywhere.frozen import frozen


@dataclass(frozen=True, slots=True)
class Usual:
    """The dataclass."""

    name: str
    count: int = 3
    secret: str = field(default="", repr=False)
    aside: int = field(default=0, compare=False)
    rows: tuple[str, ...] = field(default_factory=tuple)


@frozen
class Ours:
    """The same, with `frozen`."""

    name: str
    count: int = 3
    secret: str = field(default="", repr=False)
    aside: int = field(default=0, compare=False)
    rows: tuple[str, ...] = field(default_factory=tuple)


@frozen
class Checked:
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


@frozen
class Empty:
    pass


@pytest.mark.parametrize(
    "given",
    [
        (("a",), {}),
        (("a", 4), {"secret": "x"}),
        ((), {"name": "b", "rows": ("r",), "aside": 2}),
    ],
)
def test_values_repr_and_copies_are_those_of_the_dataclass(given: tuple[tuple[object, ...], dict[str, object]]) -> None:
    words, named = given
    usual, ours = Usual(*words, **named), Ours(*words, **named)  # type: ignore[arg-type]  # any values will do
    assert dataclasses.asdict(ours) == dataclasses.asdict(usual)
    assert repr(ours) == repr(usual).replace("Usual", "Ours")
    assert [one.name for one in dataclasses.fields(ours)] == [one.name for one in dataclasses.fields(usual)]
    other = dataclasses.replace(ours, name="other")
    assert other.name == "other" and other != ours and other.rows == ours.rows
    for same in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours)), dataclasses.replace(ours)):
        assert same == ours and hash(same) == hash(ours)
    assert not hasattr(ours, "__dict__")


def test_equality_is_by_value_within_one_class_without_what_is_not_compared() -> None:
    assert Ours("a", aside=1) == Ours("a", aside=2) and hash(Ours("a", aside=1)) == hash(Ours("a", aside=2))
    assert Ours("a") != Ours("b") and Ours("a") != Usual("a") and Ours("a") != ("a", 3, "", ())
    assert {Ours("a"): 1}[Ours("a")] == 1 and Empty() == Empty() and len({Empty(), Empty()}) == 1


def test_nothing_can_be_changed() -> None:
    one = Ours("a")
    for change in (lambda: setattr(one, "name", "b"), lambda: delattr(one, "name"), lambda: setattr(one, "new", 1)):
        with pytest.raises(FrozenInstanceError):
            change()
    assert one == Ours("a")


@pytest.mark.parametrize("kind", [Usual, Ours])
def test_wrong_arguments_are_refused_in_the_same_words(kind: type) -> None:
    with pytest.raises(
        TypeError, match=rf"{kind.__name__}.__init__\(\) missing 1 required positional argument: 'name'"
    ):
        kind()
    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'nam'"):
        kind(nam="a")


def test_a_factory_makes_a_value_for_each_and_the_check_afterwards_runs() -> None:
    @frozen
    class Holding:
        rows: list[int] = field(default_factory=list)

    assert Holding().rows is not Holding().rows
    assert Checked(1).size == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            Checked(-1)


def test_the_first_use_may_be_in_many_threads() -> None:
    for _ in range(20):

        @frozen
        class Shared:
            a: int
            b: str = "x"

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(Shared, range(64)))
            assert list(pool.map(hash, made)) == [hash(Shared(number)) for number in range(64)]


def test_it_matches_by_position() -> None:
    match Ours("a", 7):
        case Ours(name, count):
            assert (name, count) == ("a", 7)
