"""The one thread of a model: it plans a step, runs it, hands out what was written, and again."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unmask.base.errors import EngineError, UnmaskError
from unmask.base.runtime import one_thread
from unmask.core.transformer import Transformer
from unmask.engine.drafts import Drafts
from unmask.engine.runner import Runner, Share
from unmask.engine.scheduler import Plan, Row, Scheduler
from unmask.engine.settings import Settings, make_room, make_runner
from unmask.engine.stats import Stats
from unmask.generation.answer import Answer, Order, Piece
from unmask.generation.chances import Chance, chances
from unmask.text.tokenizer import Tokenizer

log = logging.getLogger("unmask.engine")

Work = Generator[object, None, None]
Deliver = Callable[[object], None]
"""Takes what one asker gets, in order: pieces or steps; None once a work is done; or an exception, which is the end.
Called on the engine's thread, so it must only hand over."""


@dataclass(eq=False)
class Ticket:
    """One asker's place. Setting `cancelled` ends its work within a step, and nothing more is delivered."""

    deliver: Deliver
    cancelled: bool = False


@dataclass(eq=False)
class Seat(Ticket):
    """A row that is waiting or being written."""

    answer: Answer = field(kw_only=True)
    row: Row = field(kw_only=True)
    told: list[Chance] = field(default_factory=list)
    """Of the prompt's tokens, where they are asked for."""
    since: float = field(default_factory=time.monotonic)
    let_in: bool = False


@dataclass(eq=False)
class Task(Ticket):
    """Other work on the model, a step at a time."""

    begin: Callable[[], Work] = field(kw_only=True)
    work: Work | None = None


class Engine:
    """Writes many rows at once, and does other work of the model between their steps; without a core, only that.

    What one row gets does not depend on which others are being written, bit for bit, unless a beginning was shared or
    a row had to be read again; with the native library or one row a step in torch. Thread-safe: `submit`, `work`,
    `stats`, `close` and a ticket's `cancelled`.
    """

    def __init__(self, core: Transformer | None, tokenizer: Tokenizer | None, settings: Settings | None = None) -> None:
        self.core = core
        self.tokenizer = tokenizer
        self.settings = settings or Settings()
        self.stats_now = Stats()
        self.scheduler: Scheduler | None = None
        self.runner: Runner | None = None
        if core is not None and core.spec.writes:
            room = make_room(core, self.settings)
            self.stats_now.cache_bytes = room.bytes
            self.runner = make_runner(core, room)
            self.scheduler = Scheduler(room.blocks, budget=self.settings.budget, most=self.settings.rows)
        self.seats: dict[Row, Seat] = {}
        self.tasks: deque[Task] = deque()
        self.inbox: deque[Ticket] = deque()
        self.news = threading.Condition()
        self.fault: UnmaskError | None = None
        """Why it does nothing more."""
        self.thread = threading.Thread(target=self.run, name="model", daemon=True)

    # ---- from any thread --------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.thread.start()

    def submit(self, order: Order, deliver: Deliver) -> Ticket:
        """Have a row written; each of its pieces is delivered, the last one has `finish`.

        Raises:
            ContextError: if the prompt is longer than the model's context, or than there is memory for.
            RequestError: if something in the order cannot be.
            EngineError: if the engine has stopped.
        """
        assert self.core is not None
        assert self.tokenizer is not None
        vocab, context = self.core.spec.embedding.vocab, self.context
        answer = Answer(order, self.tokenizer, context=context, vocab=vocab, device=self.core.device)
        drafts = Drafts(order.prompt) if self.settings.drafts else None
        most = len(order.prompt) + answer.room
        row = Row(list(order.prompt), len(order.prompt), most, whole=order.prompt_chances is not None, drafts=drafts)
        return self.post(Seat(deliver, answer=answer, row=row))

    def work(self, begin: Callable[[], Work], deliver: Deliver) -> Ticket:
        """Have other work done: what `begin` returns, a step of it between two steps of the rows."""
        return self.post(Task(deliver, begin=begin))

    def post(self, ticket: Ticket) -> Ticket:
        with self.news:
            if self.fault is not None:
                raise self.fault
            self.inbox.append(ticket)
            self.news.notify()
        return ticket

    @property
    def context(self) -> int:
        """The longest row, in tokens: the model's, or what there is memory for."""
        assert self.core is not None
        assert self.scheduler is not None
        blocks = self.scheduler.blocks
        return min(self.core.spec.context, blocks.count * blocks.size)

    @property
    def slot_bytes(self) -> int:
        """Bytes that the keys and values of a token take."""
        assert self.scheduler is not None
        blocks = self.scheduler.blocks
        return self.stats_now.cache_bytes // (blocks.count * blocks.size)

    def stats(self) -> Stats:
        return self.stats_now.copy(self.scheduler, waiting=len(self.inbox), alive=self.alive)

    @property
    def alive(self) -> bool:
        return self.thread.is_alive() and self.fault is None

    def close(self, reason: UnmaskError) -> None:
        """End all that is waiting or under way with `reason`; nothing is taken from now on."""
        with self.news:
            self.fault = self.fault or reason
            self.news.notify()
        if self.thread.is_alive():
            self.thread.join()

    # ---- on the model's thread --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until closed; a fault of ours ends everybody's work, with an error."""
        try:
            while self.fault is None:
                self.step()
                with self.news:
                    while not (self.inbox or self.seats or self.tasks or self.fault):
                        self.news.wait()
        except BaseException:
            log.exception("The engine has failed")
            with self.news:  # so that whoever asks now either is in the inbox, or is refused
                self.fault = EngineError("The model has stopped after a fault; the server's log has the details.")
        reason = self.fault
        assert reason is not None
        for ticket in [*self.seats.values(), *self.tasks, *self.inbox]:
            if not ticket.cancelled:
                ticket.deliver(reason)

    def step(self) -> None:
        """Take what has come, let go of what was cancelled, run one step of the rows and one of other work."""
        self.take_in()
        for seat in [seat for seat in self.seats.values() if seat.cancelled]:
            self.leave(seat)
            self.stats_now.aborted += 1
        if self.scheduler is not None:
            plan = self.scheduler.plan()
            if plan:
                self.compute(plan)
        if self.tasks:
            self.work_on(self.tasks.popleft())
        self.stats_now.steps += 1
        self.stats_now.last_step = time.monotonic()

    def take_in(self) -> None:
        while self.inbox:
            ticket = self.inbox.popleft()
            if isinstance(ticket, Task):
                self.tasks.append(ticket)
            elif isinstance(ticket, Seat):
                assert self.scheduler is not None
                self.seats[ticket.row] = ticket
                self.scheduler.add(ticket.row)

    def leave(self, seat: Seat) -> None:
        assert self.scheduler is not None
        self.scheduler.remove(seat.row)
        self.seats.pop(seat.row, None)  # none where the last delivery failed

    def compute(self, plan: Plan) -> None:
        """Run a plan and record what came of it. Where there is no memory for it, the largest share fails alone."""
        assert self.runner is not None
        try:
            found = self.runner.run([self.share(row, count) for row, count in plan.items()])
        except (UnmaskError, MemoryError, torch.OutOfMemoryError) as error:
            largest = max(plan, key=lambda row: (plan[row], row.done))
            self.fail(self.seats[largest], error)
            return
        # A row's choice is little work, and torch's other threads, once woken, keep a processor busy.
        with torch.inference_mode(), one_thread():
            for (row, count), logits in zip(plan.items(), found, strict=True):
                self.record(self.seats[row], count, logits)

    def share(self, row: Row, count: int) -> Share:
        """What a planned row has of the step."""
        seat = self.seats[row]
        if not seat.let_in:
            seat.let_in, seat.answer.waited = True, time.monotonic() - seat.since
        if row.writes:
            return Share([row.tokens[-1], *row.draft], row.done, row.blocks, wanted=count, writes=True)
        tokens = row.tokens[row.done : row.done + count]
        last = row.done + count == row.read
        wanted = count if seat.answer.order.prompt_chances is not None else int(last)
        return Share(tokens, row.done, row.blocks, wanted=wanted, writes=row.done >= row.asked)

    def record(self, seat: Seat, count: int, logits: Tensor) -> None:
        """What a row got of a step. What fails there (a grammar, a tokenizer) is its own: the others go on."""
        try:
            if seat.row.writes:
                self.written(seat, logits)
            else:
                self.read(seat, count, logits)
        except Exception as error:  # noqa: BLE001 - whoever asked for the row gets it
            self.fail(seat, error)

    def fail(self, seat: Seat, error: BaseException) -> None:
        self.leave(seat)
        seat.deliver(error)

    def read(self, seat: Seat, count: int, logits: Tensor) -> None:
        """A part of a prompt was read; after its last part the answer begins."""
        row, answer = seat.row, seat.answer
        if answer.order.prompt_chances is not None:
            self.tell(seat, count, logits, best=answer.order.prompt_chances)
        assert self.scheduler is not None
        self.scheduler.record(row, count)
        self.stats_now.prompt_tokens += count
        if not row.writes:
            return
        if not answer.tokens:  # else it gave way and was read again
            self.stats_now.reused_tokens += row.reused
            answer.reused, answer.prompt_chances = row.reused, tuple(seat.told)
        if answer.finish:
            self.hand_out(seat, answer.piece(""))
        else:
            self.hand_out(seat, self.push(seat, logits[-1]))

    def tell(self, seat: Seat, count: int, logits: Tensor, *, best: int) -> None:
        """Chances of the prompt's tokens that follow those just read, as far as they were not told before."""
        done, prompt, told = seat.row.done, seat.answer.prompt, len(seat.told)
        following = prompt[told + 1 : done + count + 1]
        if following:
            rows = logits[told - done : told - done + len(following), : seat.answer.spelled]
            seat.told += chances(rows, following, best=best)

    def written(self, seat: Seat, logits: Tensor) -> None:
        """Tokens of an answer: the next one, and those of its draft as far as they are what would have come anyway."""
        row, draft = seat.row, seat.row.draft
        pieces = [self.push(seat, logits[0])]
        while pieces[-1].finish is None and len(pieces) <= len(draft) and pieces[-1].id == draft[len(pieces) - 1]:
            pieces.append(self.push(seat, logits[len(pieces)]))
        if draft and row.drafts is not None:
            row.drafts.judge(len(pieces) - 1)
            self.stats_now.drafted_tokens += len(draft)
            self.stats_now.accepted_tokens += len(pieces) - 1
        assert self.scheduler is not None
        self.scheduler.record(row, len(pieces))
        for piece in pieces:
            self.hand_out(seat, piece)

    def push(self, seat: Seat, logits: Tensor) -> Piece:
        piece = seat.answer.push(logits)
        if piece.id is not None:
            seat.row.tokens.append(piece.id)
            if seat.row.drafts is not None:
                seat.row.drafts.extend([piece.id])
        self.stats_now.written_tokens += 1
        return piece

    def hand_out(self, seat: Seat, piece: Piece) -> None:
        """Deliver a piece; whoever gets the last one finds its row's blocks free."""
        if piece.finish:
            self.leave(seat)
        seat.deliver(piece)

    def work_on(self, task: Task) -> None:
        """One step of other work, which then stands at the end of the line again."""
        try:
            if task.cancelled:
                if task.work is not None:
                    task.work.close()
                return
            task.work = task.work or task.begin()
            found = next(task.work, None)
        except Exception as error:  # noqa: BLE001 - whoever asked for the work gets it
            task.deliver(error)
            return
        task.deliver(found)
        if found is not None:
            self.tasks.append(task)
