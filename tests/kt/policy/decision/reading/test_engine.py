"""What is kept of compiled patterns, for who compiles a policy again and again."""

from kt.policy.decision.reading.engine import compiled, keeping, kept


def test_within_a_block_a_pattern_is_compiled_once() -> None:
    """And elsewhere, or after it, nothing is kept."""
    made: list[int] = []

    def make() -> int:
        made.append(0)
        return len(made)

    assert [kept("a", make), kept("a", make)] == [1, 2]
    with keeping():
        assert [kept("a", make), kept("a", make), kept("b", make)] == [3, 3, 4]
        assert compiled("once in a block") is compiled("once in a block")
        with keeping():
            assert kept("a", make) == 5
        assert kept("a", make) == 3
    assert kept("a", make) == 6
