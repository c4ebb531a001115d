"""Grammars made ready for one vocabulary: which tokens may come next. The package llguidance does the work."""

from __future__ import annotations

import json
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from unmask.base.errors import MissingExtra, RequestError
from unmask.base.language import say
from unmask.text.grammar_limits import check_lark, check_schema
from unmask.text.spelling import Spelling
from unmask.text.tokenizer import Tokenizer, library_failure

if TYPE_CHECKING:
    from llguidance import LLMatcher

Kind = Literal["json_schema", "json", "regex", "choice", "lark"]
KEPT = 16
"""Compiled grammars that are kept for the next answer that wants the same; each has a few megabytes at most."""
BLANKS = r"[ ]|\r?\n[ \t]{0,40}"
"""Between two parts of a JSON text: a blank, or a new line. More would let a model write blanks for ever."""
DEAD_END = "NoExtensionBias"
"""What the package says where no token can come next."""
ASCII = "dws"
r"""In a regular expression \d, \w and \s stand for ASCII characters only, as Python has them with re.ASCII."""
FENCE = "\x02"
"""No token goes on over this character, so that what follows it is cut as if it stood alone."""


class Grammars:
    """Compiles grammars for one vocabulary.

    Raises:
        MissingExtra: if llguidance is not installed.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        try:
            import llguidance
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "Answers of a given form need {package}. Run: pip install 'unmask[serve]'", package=error.name
            ) from error
        self.library = llguidance
        spelling = Spelling(tokenizer)
        tokens = [spelling.bytes(each) for each in range(tokenizer.size)]
        self.leads = leading_blank_lost(tokenizer, tokens)
        words = Words(tokenizer, tokens)
        self.vocabulary = llguidance.LLTokenizer(
            llguidance.TokenizerWrapper(words), n_vocab=len(words.tokens), eos_token=words.ends
        )
        self.limits = llguidance.LLParserLimits(
            # A fifth or so of what the package allows: a stranger's grammar costs a second at most, and some 100 MB.
            initial_lexer_fuel=200_000,
            step_lexer_fuel=50_000,
            max_lexer_states=20_000,
            max_grammar_size=100_000,
            step_max_items=20_000,
            verbose_errors=False,
        )
        self.compiled = lru_cache(maxsize=KEPT)(self.compile)

    def matcher(self, kind: Kind, source: str) -> LLMatcher:
        """Where an answer under this grammar begins.

        Raises:
            RequestError: if the source is wrong, asks too much, or nothing can match it.
        """
        return self.compiled(kind, source).deep_copy()

    def compile(self, kind: Kind, source: str) -> LLMatcher:
        form = read(kind, source)
        grammars = [form]
        if self.leads:
            # The answer's first blank is not shown. One in Lark may begin with a control token, which has none.
            blank = "?" if kind == "lark" else ""
            grammars = [{"lark_grammar": f'start: " "{blank} @form'}, {**form, "name": "form"}]
        whole = json.dumps({"grammars": grammars})
        try:
            matcher = self.library.LLMatcher(self.vocabulary, whole, log_level=0, limits=self.limits)
            # The first tokens are looked for at once, so that what nothing can match is refused here.
            some = matcher.is_error() or any(matcher.compute_bitmask())
        except BaseException as error:
            raise unusable(kind, str(library_failure(error))) from error
        if not some or matcher.is_error():
            raise unusable(kind, matcher.get_error() or DEAD_END)
        return matcher


def read(kind: Kind, source: str) -> dict[str, Any]:
    """The grammar in the package's words.

    Raises:
        RequestError: if it cannot be read, or asks too much.
    """
    if kind == "json":
        return of_schema({"type": "object"})
    if kind == "json_schema":
        schema = loaded(kind, source)
        check_schema(schema)
        return of_schema(schema)
    if kind == "choice":
        texts = loaded(kind, source)
        if not isinstance(texts, list) or not texts or not all(isinstance(each, str) for each in texts):
            raise RequestError("A choice is a JSON list of texts, of one at least; not {source:.60}", source=source)
        return {"lark_grammar": f"start: {' | '.join(map(json.dumps, texts))}"}
    if kind == "regex":
        from llguidance import regex_to_lark

        if (len(source) - len(source.rstrip("\\"))) % 2:
            raise unusable(kind, say("it ends in the middle of an escape"))
        return {"lark_grammar": f"start: /{regex_to_lark(source, ASCII)}/"}
    check_lark(source)
    return {"lark_grammar": source}


def loaded(kind: Kind, source: str) -> Any:
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as error:
        raise unusable(kind, str(error)) from error


def of_schema(schema: object) -> dict[str, Any]:
    """`x-guidance` is how the package takes settings; a schema's own would be a stranger's."""
    if isinstance(schema, dict):
        schema = {**schema, "x-guidance": {"whitespace_pattern": BLANKS}}
    return {"json_schema": schema}


def unusable(kind: Kind, reason: str) -> RequestError:
    """What is wrong with a grammar, from what the package says of it."""
    if reason.startswith(DEAD_END):
        return RequestError(
            "The {kind} leads to where no token of this model can come next. Correct it, or allow other characters.",
            kind=kind,
        )
    first = " ".join(reason.removesuffix("<non-verbose/>").split()).rstrip(".")
    return RequestError("The {kind} cannot be used: {reason:.300}. Correct or simplify it.", kind=kind, reason=first)


class Words:
    """The vocabulary with the names that llguidance has for its parts."""

    def __init__(self, tokenizer: Tokenizer, tokens: list[bytes]) -> None:
        self.tokenizer = tokenizer
        # A model without an end gets one that is never written: the library wants to have one.
        self.ends = sorted(tokenizer.ends) or [len(tokens)]
        self.tokens = tokens if tokenizer.ends else [*tokens, b""]
        self.special_token_ids = sorted({*tokenizer.controls, *self.ends})
        self.eos_token_id = self.ends[0]
        self.bos_token_id = tokenizer.bos

    def __call__(self, text: bytes | str) -> list[int]:
        """The ids of a text that the grammar leaves no choice about."""
        wanted = text if isinstance(text, bytes) else text.encode()
        ids = self.tokenizer.encode(FENCE + wanted.decode(errors="replace"), special=False).ids
        spelled, at = b"", 0
        while at < len(ids) and not spelled.endswith(FENCE.encode()):
            spelled, at = spelled + self.tokens[ids[at]], at + 1
        whole = b"".join(self.tokens[each] for each in ids[at:]) == wanted
        return list(ids[at:]) if whole else self.greedy(wanted)

    def greedy(self, wanted: bytes) -> list[int]:
        """The longest token, again and again: for a text that the tokenizer would change before it cuts it."""
        found: list[int] = []
        at = 0
        while at < len(wanted):
            ends = range(min(len(wanted), at + self.longest), at, -1)
            end = next((each for each in ends if wanted[at:each] in self.ids), None)
            if end is None:
                break
            found.append(self.ids[wanted[at:end]])
            at = end
        return found

    @cached_property
    def ids(self) -> dict[bytes, int]:
        special = set(self.special_token_ids)
        return {token: each for each, token in enumerate(self.tokens) if token and each not in special}

    @cached_property
    def longest(self) -> int:
        return max(map(len, self.ids), default=0)


def leading_blank_lost(tokenizer: Tokenizer, tokens: list[bytes]) -> bool:
    """Whether a text's first blank is not shown, as in SentencePiece vocabularies."""
    blank = next((each for each, token in enumerate(tokens) if token.startswith(b" ") and token.strip()), None)
    return blank is not None and not tokenizer.decode([blank]).startswith(" ")
