"""What the engine writes is what the plain loop writes, whoever else is being written, on both of its ways."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.lowered import compiled_library, decoder, with_shortcut
from tests.parity.test_families import CASES, VOCAB, numbers
from tests.parity.test_lowering import PAIRS
from unmask.base.errors import ContextError, EngineError, RequestError
from unmask.core.transformer import Transformer
from unmask.engine.engine import Engine
from unmask.engine.runner import TorchRunner
from unmask.engine.settings import Settings
from unmask.generation.answer import Answer, Order, Piece
from unmask.generation.generate import generate
from unmask.generation.sampling import Sampling

GREEDY = Sampling()


def prompt(number: int, length: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(number)
    return tuple(torch.randint(0, VOCAB, (length,), generator=generator).tolist())


ORDERS = [
    Order(prompt(1, 5), GREEDY, limit=24),
    Order(prompt(2, 90), GREEDY, limit=40),
    Order(prompt(3, 1), GREEDY, limit=9),
    Order(prompt(4, 70), Sampling(temperature=1.0, seed=7, repetition_penalty=1.2), limit=20),
    Order(prompt(5, 33), Sampling(temperature=0.8, top_p=0.9, seed=8), limit=20, least=5),
    Order(prompt(2, 90)[:64] + prompt(6, 9), GREEDY, limit=12),  # begins as the second does
    Order(prompt(7, 4) * 20, GREEDY, limit=40),  # repeats itself
]


def plain(model: Transformer, order: Order) -> list[Piece]:
    """The order by itself, by the plain loop."""
    answer = Answer(order, numbers(), context=model.spec.context, vocab=VOCAB, device=torch.device("cpu"))
    return [piece for (piece,) in generate(model, [answer]) if piece is not None]


class Desk:
    """Asks an engine, without its thread, and keeps what comes."""

    def __init__(self, model: Transformer, settings: Settings) -> None:
        self.engine = Engine(model, numbers(), settings)
        self.got: list[list[object]] = []

    def ask(self, order: Order) -> int:
        got: list[object] = []
        self.got.append(got)
        self.engine.submit(order, got.append)
        return len(self.got) - 1

    def finish(self) -> None:
        self.engine.step()
        while self.engine.seats:
            self.engine.step()

    def ids(self, number: int) -> list[int]:
        return [piece.id for piece in self.pieces(number) if piece.id is not None]

    def pieces(self, number: int) -> list[Piece]:
        pieces = self.got[number]
        assert all(isinstance(piece, Piece) for piece in pieces), pieces
        return [piece for piece in pieces if isinstance(piece, Piece)]


def ids(pieces: Sequence[Piece]) -> list[int]:
    return [piece.id for piece in pieces if piece.id is not None]


@pytest.fixture(scope="module", params=PAIRS.values(), ids=", ".join)
def quantized(request: pytest.FixtureRequest) -> Transformer:
    compiled_library()
    return with_shortcut(decoder(*request.param))


@pytest.fixture(scope="module")
def llama() -> Transformer:
    compiled_library()
    return with_shortcut(decoder("llama grouped", "int8"))


def test_many_rows_at_once_are_written_as_each_alone(quantized: Transformer):
    desk = Desk(quantized, Settings(cache="full", budget=48))
    numbers = [desk.ask(order) for order in ORDERS]
    desk.finish()
    for number, order in zip(numbers, ORDERS, strict=True):
        assert desk.ids(number) == ids(plain(quantized, order))
    assert desk.engine.stats().blocks_used == 0


def test_with_keys_in_8_bits_neighbours_do_not_change_a_rows_text(quantized: Transformer):
    together = Desk(quantized, Settings(cache="int8", budget=48))
    numbers = [together.ask(order) for order in ORDERS]
    together.finish()
    for number, order in zip(numbers, ORDERS, strict=True):
        alone = Desk(quantized, Settings(cache="int8", budget=48))
        alone.ask(order)
        alone.finish()
        assert together.ids(number) == alone.ids(0)


def test_rows_that_come_later_change_nothing_either(llama: Transformer):
    desk = Desk(llama, Settings(cache="full", budget=40))
    for order in ORDERS:
        desk.ask(order)
        for _ in range(3):
            desk.engine.step()
    desk.finish()
    for number, order in enumerate(ORDERS):
        assert desk.ids(number) == ids(plain(llama, order))


def test_drafts_change_no_text_and_are_sometimes_right(llama: Transformer):
    with_drafts, without = Desk(llama, Settings(cache="full")), Desk(llama, Settings(cache="full", drafts=False))
    for desk in (with_drafts, without):
        for order in ORDERS:
            desk.ask(replace(order, limit=120))
            desk.finish()
    assert [with_drafts.ids(number) for number in range(len(ORDERS))] == [
        without.ids(number) for number in range(len(ORDERS))
    ]
    stats = with_drafts.engine.stats()
    assert 0 < stats.accepted_tokens < stats.drafted_tokens
    assert without.engine.stats().drafted_tokens == 0


def test_exact_weights_are_written_row_by_row_in_torch():
    model = decoder_exact("qwen3")
    desk = Desk(model, Settings(cache="full", budget=128))
    assert isinstance(desk.engine.runner, TorchRunner)
    for order in ORDERS:
        desk.ask(order)
    desk.finish()
    for number, order in enumerate(ORDERS):
        assert desk.ids(number) == ids(plain(model, order))


def decoder_exact(name: str) -> Transformer:
    """A random tiny decoder whose weights are float32."""
    import transformers

    from tests.lowered import SIZES, spec_of

    kind, settings = CASES[name]
    config = getattr(transformers, f"{kind}Config")(**settings | {k: v for k, v in SIZES.items() if k in settings})
    torch.manual_seed(0)
    model = spec_of(config.to_dict()).build().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_a_beginning_that_was_read_before_is_not_read_again(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    first = desk.ask(Order(prompt(2, 200), GREEDY, limit=5))
    desk.finish()
    second = desk.ask(Order(prompt(2, 200)[:170] + prompt(9, 20), GREEDY, limit=5))
    desk.finish()
    assert desk.pieces(first)[0].reused == 0
    assert desk.pieces(second)[0].reused == 160  # five blocks of 32
    assert desk.engine.stats().prompt_tokens == 200 + 190 - 160
    assert desk.ids(second) == ids(plain(llama, Order(prompt(2, 200)[:170] + prompt(9, 20), GREEDY, limit=5)))


def test_the_answer_is_remembered_for_the_next_question_too(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    first = desk.ask(Order(prompt(2, 60), GREEDY, limit=40))
    desk.finish()
    said = (*prompt(2, 60), *desk.ids(first))
    second = desk.ask(Order((*said, *prompt(3, 10)), GREEDY, limit=3))
    desk.finish()
    assert desk.pieces(second)[0].reused == 96


def test_rows_that_do_not_fit_give_way_and_are_written_all_the_same(llama: Transformer):
    orders = [Order(prompt(number, 60), GREEDY, limit=60) for number in range(20, 25)]
    desk = Desk(llama, Settings(cache="full", memory=11 * block_bytes(llama)))
    for order in orders:
        desk.ask(order)
    desk.finish()
    assert desk.engine.stats().preemptions > 0
    for number, order in enumerate(orders):
        assert desk.ids(number) == ids(plain(llama, order))


def block_bytes(model: Transformer) -> int:
    """Bytes of 32 slots in float16."""
    return 32 * sum(2 * 2 * block.attention.kv_heads * block.attention.head_width for block in model.spec.blocks)


def test_a_prompt_that_the_memory_cannot_hold_is_refused_with_the_length_that_fits(llama: Transformer):
    desk = Desk(llama, Settings(cache="full", memory=2 * block_bytes(llama)))
    with pytest.raises(ContextError) as refused:
        desk.ask(Order(prompt(1, 70), GREEDY))
    assert refused.value.values["context"] == 64
    fits = desk.ask(Order(prompt(1, 60), GREEDY))
    desk.finish()
    assert len(desk.ids(fits)) == 4
    assert desk.pieces(fits)[-1].finish == "length"


@pytest.mark.parametrize("best", [0, 3])
def test_chances_of_prompt_and_answer_equal_the_plain_loop_s(llama: Transformer, best: int):
    order = Order(prompt(2, 90), GREEDY, limit=6, chances=best, prompt_chances=best)
    desk = Desk(llama, Settings(cache="full", budget=40))
    desk.ask(Order(prompt(2, 90), GREEDY, limit=2))
    desk.finish()
    number = desk.ask(order)
    desk.finish()
    got, wanted = desk.pieces(number), plain(llama, order)
    assert len(got[0].prompt_chances) == 89
    for one, other in zip(got[0].prompt_chances, wanted[0].prompt_chances, strict=True):
        assert one.id == other.id
        assert one.logprob == pytest.approx(other.logprob, abs=1e-4)
        assert len(one.best) == best
    for piece, same in zip(got, wanted, strict=True):
        assert piece.chance is not None
        assert same.chance is not None
        assert piece.chance.logprob == pytest.approx(same.chance.logprob, abs=1e-4)
    # With nothing to write, the prompt is judged all the same.
    alone = desk.ask(replace(order, limit=0))
    desk.finish()
    assert [piece.finish for piece in desk.pieces(alone)] == ["length"]
    assert desk.pieces(alone)[0].prompt_chances == got[0].prompt_chances


def test_int8_keys_and_values_take_about_half_and_change_little(llama: Transformer):
    desk = Desk(llama, Settings(cache="int8"))
    order = Order(prompt(2, 90), GREEDY, limit=1, chances=0)
    number = desk.ask(order)
    desk.finish()
    (mine,), (wanted,) = desk.pieces(number), plain(llama, order)
    assert mine.chance is not None
    assert wanted.chance is not None
    assert mine.chance.logprob == pytest.approx(wanted.chance.logprob, abs=0.2)
    assert mine.chance.logprob != wanted.chance.logprob


def test_by_themselves_keys_and_values_are_int8_where_the_library_keeps_them(llama: Transformer):
    exact = decoder_exact("qwen3")
    for core, cache in ((llama, "int8"), (exact, "full")):
        assert Desk(core, Settings()).engine.slot_bytes == Desk(core, Settings(cache=cache)).engine.slot_bytes
    heads = [(block.attention.kv_heads, block.attention.head_width) for block in llama.spec.blocks]
    # A scale of four bytes with each head of keys, and of values.
    assert Desk(llama, Settings()).engine.slot_bytes == sum(2 * count * (width + 4) for count, width in heads)


def test_int8_keys_and_values_are_refused_where_torch_would_have_to_keep_them():
    with pytest.raises(RequestError, match="native library"):
        Desk(decoder_exact("qwen3"), Settings(cache="int8"))


def test_who_leaves_frees_its_blocks_within_a_step(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    got: list[object] = []
    ticket = desk.engine.submit(Order(prompt(1, 40), GREEDY), got.append)
    desk.engine.step()
    assert desk.engine.stats().blocks_used == 2
    ticket.cancelled = True
    desk.engine.step()
    stats = desk.engine.stats()
    assert (stats.blocks_used, stats.running, stats.aborted) == (0, 0, 1)


class Failing:
    """A runner for which some rows are too much."""

    def __init__(self, run: Callable[..., list[Tensor]], error: Exception, *, longest: int) -> None:
        self.one = run
        self.error = error
        self.longest = longest

    def run(self, shares: Sequence[object]) -> list[Tensor]:
        if any(len(share.tokens) > self.longest for share in shares):  # type: ignore[attr-defined]
            raise self.error
        return self.one(shares)


def test_a_row_for_which_there_is_no_memory_fails_alone(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    assert desk.engine.runner is not None
    desk.engine.runner = Failing(desk.engine.runner.run, MemoryError(), longest=50)
    small, large = desk.ask(ORDERS[0]), desk.ask(Order(prompt(1, 90), GREEDY))
    desk.finish()
    assert desk.ids(small) == ids(plain(llama, ORDERS[0]))
    assert [type(each) for each in desk.got[large]] == [MemoryError]
    assert desk.engine.stats().blocks_used == 0


def test_who_gets_the_last_piece_finds_the_row_s_blocks_free(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    found: list[tuple[int, int]] = []

    def note(piece: object) -> None:
        stats = desk.engine.stats()
        found.append((stats.running, stats.blocks_used))

    desk.engine.submit(ORDERS[0], note)
    desk.finish()
    assert len(found) == ORDERS[0].limit
    assert found[0] == (1, 1)
    assert found[-1] == (0, 0)


def test_when_the_model_s_thread_dies_everybody_is_told(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    assert desk.engine.runner is not None
    desk.engine.runner = Failing(desk.engine.runner.run, RuntimeError("broken"), longest=50)
    numbers = [desk.ask(ORDERS[0]), desk.ask(Order(prompt(1, 90), GREEDY))]
    desk.engine.start()
    desk.engine.thread.join(30)
    assert not desk.engine.stats().alive
    for number in numbers:
        assert isinstance(desk.got[number][-1], EngineError)
    with pytest.raises(EngineError):
        desk.ask(ORDERS[0])


def test_other_work_goes_on_between_the_steps_of_rows(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    number = desk.ask(ORDERS[0])
    steps: list[object] = []
    desk.engine.work(lambda: iter_of(3), steps.append)
    for _ in range(4):
        desk.engine.step()
    assert steps == [0, 1, 2, None]
    assert len(desk.ids(number)) >= 4


def iter_of(count: int) -> Generator[object, None, None]:
    yield from range(count)


def test_a_row_s_own_fault_leaves_its_neighbours_alone(llama: Transformer):
    desk = Desk(llama, Settings(cache="full"))
    number, bad = desk.ask(ORDERS[0]), desk.ask(ORDERS[2])
    seat = list(desk.engine.inbox)[1]
    seat.answer.constraint = object()  # type: ignore[attr-defined]
    desk.finish()
    assert isinstance(desk.got[bad][-1], AttributeError)
    assert desk.ids(number) == ids(plain(llama, ORDERS[0]))
