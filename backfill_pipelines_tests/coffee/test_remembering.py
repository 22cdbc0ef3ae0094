"""What is kept in memory stays within its bound."""

from backfill_pipelines.coffee.remembering import Remembered


def test_answers_are_kept_until_there_are_too_many_variants() -> None:
    memory: Remembered[str, int] = Remembered(most_variants=10)
    assert memory.get("a") is None
    assert memory.put("a", 1, variants=4) == 1
    memory.put("b", 2, variants=4)
    assert (memory.get("a"), memory.get("b")) == (1, 2)
    memory.put("c", 3, variants=0)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (None, None, 3)


def test_answers_without_variants_take_room_as_well() -> None:
    memory: Remembered[int, int] = Remembered(most_variants=3)
    for key in range(4):
        memory.put(key, key, variants=0)
    assert [memory.get(key) for key in range(4)] == [None, None, None, 3]


def test_what_is_larger_than_the_bound_is_kept_alone() -> None:
    memory: Remembered[str, int] = Remembered(most_variants=3)
    memory.put("large", 1, variants=900)
    assert memory.get("large") == 1
    memory.put("next", 2, variants=1)
    assert (memory.get("large"), memory.get("next")) == (None, 2)
