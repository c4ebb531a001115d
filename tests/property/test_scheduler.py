"""Whatever is asked, in whatever order: no block is handed out twice, every row is read and written to its end."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, lists, tuples

from unmask.engine.blocks import Blocks
from unmask.engine.drafts import Drafts
from unmask.engine.scheduler import Plan, Row, Scheduler

SIZE, BLOCKS = 4, 12
ROOM = SIZE * BLOCKS
Wanted = tuple[list[int], int]
# Few different tokens, so that rows begin alike and repeat themselves.
orders = lists(tuples(lists(integers(0, 1), min_size=1, max_size=30), integers(1, 18)), min_size=1, max_size=12)


def next_token(tokens: list[int]) -> int:
    """What a model would write: a function of all that came before."""
    return (sum(tokens) * 7 + len(tokens)) % 3


class Pages:
    """What is remembered in each slot: the tokens up to there. A row that looks back must find its own."""

    def __init__(self) -> None:
        self.slots: dict[tuple[int, int], tuple[int, ...]] = {}

    def compute(self, row: Row, count: int) -> None:
        said = [*row.tokens, *row.draft]
        for slot in range(row.done):
            where = (row.blocks[slot // SIZE], slot % SIZE)
            assert self.slots[where] == tuple(row.tokens[: slot + 1])
        for slot in range(row.done, row.done + count):
            self.slots[row.blocks[slot // SIZE], slot % SIZE] = tuple(said[: slot + 1])


def run(
    wanted: list[Wanted], *, budget: int, most: int, drafts: bool, watch: Callable[[Plan], None]
) -> list[list[int]]:
    """All rows to their ends: their tokens."""
    scheduler = Scheduler(Blocks(BLOCKS, SIZE), budget=budget, most=most)
    pages = Pages()
    rows = [
        Row(list(prompt), len(prompt), min(len(prompt) + length, ROOM), drafts=Drafts(prompt) if drafts else None)
        for prompt, length in wanted
    ]
    for row in rows:
        scheduler.add(row)
    for _ in range(4000):
        plan = scheduler.plan()
        if not plan:
            break
        watch(plan)
        held = [block for row in scheduler.running for block in set(row.blocks)]
        assert len(scheduler.blocks.free) + len(scheduler.blocks.kept) + len(set(held)) == BLOCKS
        for row, count in plan.items():
            pages.compute(row, count)
        for row, count in plan.items():
            record(scheduler, row, count)
    assert not scheduler.running
    assert not scheduler.waiting
    assert scheduler.blocks.available == BLOCKS
    return [row.tokens for row in rows]


def record(scheduler: Scheduler, row: Row, count: int) -> None:
    """What an engine does with the plan's outcome."""
    if not row.writes:
        scheduler.record(row, count)
        fresh = [next_token(row.tokens)] if row.writes else []
        say(row, fresh)
    else:
        fresh = [next_token(row.tokens)]
        say(row, fresh)
        while len(row.tokens) < row.most and len(fresh) <= len(row.draft) and fresh[-1] == row.draft[len(fresh) - 1]:
            fresh.append(next_token(row.tokens))
            say(row, fresh[-1:])
        if row.draft and row.drafts:
            row.drafts.judge(len(fresh) - 1)
        scheduler.record(row, len(fresh))
    if len(row.tokens) >= row.most:
        scheduler.remove(row)


def say(row: Row, tokens: list[int]) -> None:
    row.tokens += tokens
    if row.drafts:
        row.drafts.extend(tokens)


@settings(deadline=None, max_examples=300)
@given(wanted=orders, budget=integers(8, 20), most=integers(1, 8), drafts=booleans())
def test_every_row_gets_what_it_would_get_alone(wanted: list[Wanted], budget: int, most: int, drafts: bool):
    def within(plan: Plan) -> None:
        assert 0 < sum(plan.values()) <= max(budget, most)
        assert len(plan) <= most

    together = run(wanted, budget=budget, most=most, drafts=drafts, watch=within)
    for (prompt, length), tokens in zip(wanted, together, strict=True):
        alone = list(prompt)
        while len(alone) < min(len(prompt) + length, ROOM):
            alone.append(next_token(alone))
        assert tokens == alone


@given(tuples(lists(integers(0, 9), min_size=9, max_size=40), lists(integers(0, 9), min_size=1, max_size=6)))
def test_rows_that_begin_alike_compute_their_beginning_once(texts: tuple[list[int], list[int]]):
    beginning, end = texts
    wanted = [([*beginning[:20], *end, number], 1) for number in range(3)]
    computed = 0

    def count(plan: Plan) -> None:
        nonlocal computed
        computed += sum(plan.values())

    run(wanted, budget=64, most=8, drafts=False, watch=count)
    whole = len(wanted[0][0]) - 1
    shared = whole // SIZE * SIZE
    assert computed == len(wanted[0][0]) + 2 * (len(wanted[0][0]) - shared)
