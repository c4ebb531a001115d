"""What an engine does, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unmask.engine.scheduler import Scheduler


@dataclass
class Stats:
    """Counts since the start, and how things stand.

    Args:
        blocks_used: that rows hold; `blocks_kept` hold a beginning that may come again, and are free to be taken.
        reused_tokens: of prompts, that did not have to be read again.
        drafted_tokens: that were guessed; of these, `accepted_tokens` were right.
        preemptions: rows that gave their blocks back to others, to be read again.
        last_step: when the last step ended, as time.monotonic tells.
        alive: whether the model's thread works.
    """

    running: int = 0
    waiting: int = 0
    blocks: int = 0
    blocks_used: int = 0
    blocks_kept: int = 0
    block_size: int = 0
    cache_bytes: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    written_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    preemptions: int = 0
    aborted: int = 0
    steps: int = 0
    last_step: float = 0.0
    alive: bool = True

    def copy(self, scheduler: Scheduler | None, *, waiting: int, alive: bool) -> Stats:
        """The same with how things stand now; `waiting` are those that nobody has looked at yet."""
        if scheduler is None:
            return replace(self, waiting=waiting, alive=alive)
        blocks = scheduler.blocks
        return replace(
            self,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting) + waiting,
            blocks=blocks.count,
            blocks_used=blocks.count - blocks.available,
            blocks_kept=len(blocks.kept),
            block_size=blocks.size,
            preemptions=scheduler.preemptions,
            alive=alive,
        )
