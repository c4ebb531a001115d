"""Many chats at once: ours against llama.cpp's server and openvino-genai's batching; second questions; drafts.

    python bench/serve.py [--rounds 5] [--llama-server BINARY] [--openvino-genai PYTHON --openvino-models FOLDER]
    python bench/serve.py --reuse [--llama-server BINARY]
    python bench/serve.py --speculation

All sides stay loaded, each in a process of its own, and take turns, so that one works while the others sleep. A round
is 8, then 16 chats that come at the same moment: 128 tokens of real text each, no two alike, and 128 tokens of answer.
Figures are tokens written a second in all, seconds to the first token, and the most memory the process held. Servers
are asked over HTTP; openvino-genai, which is none, in its own process and without that cost.

`--reuse`: a document of 1,500 tokens, a question, and another question about the same document: how much sooner the
second answer begins. `--speculation`: our engine with drafts and without, where an answer repeats its prompt and where
it does not; it ends with an error if any text differs. `--quick` is a look, and leaves no rows in results/.

llama.cpp's server is built for this processor, but for its AMX code, which gcc 12 breaks, from the source of
llama-cpp-python, with OFF="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16":

    cmake -S vendor/llama.cpp -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_OPENSSL=OFF \
        -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DCMAKE_C_FLAGS="$OFF" -DCMAKE_CXX_FLAGS="$OFF"
    ninja -C build llama-server

FOLDER has `int8` and `int4`, written by optimum-intel from the folder that bench/decode.py leaves:

    EXPORT="optimum-cli export openvino -m smollm2-135m-bfloat16 --task text-generation-with-past"
    $EXPORT --weight-format int8 FOLDER/int8
    $EXPORT --weight-format int4 --group-size 64 --ratio 1.0 --sym FOLDER/int4
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.decode import MODEL, files
from bench.paired import Figure, figure, record
from bench.served import THREADS, Chat, Pipeline, Side, Texts, llama_cpp, ours, user
from unmask.server.bench.load import Spread

AGAINST = {
    ("llama.cpp", "q8_0"): ("int8",),
    ("llama.cpp", "q4_1"): ("q4_1",),
    ("llama.cpp", "q4_0"): ("q4_0", "int8"),
    ("openvino-genai", "int8"): ("int8",),
    ("openvino-genai", "int4"): ("q4_1", "q4_0", "int8"),
}
"""A peer and its format, and which of our formats are compared with it."""
DOCUMENT = 1500
QUESTIONS = ("Who is spoken of here?", "Where does this take place?")
REPEAT = "Repeat the following text exactly, word for word, and then repeat it again.\n\n"


def measured(side: Side, chats: Sequence[Chat], count: int) -> dict[str, float]:
    seen = side.chats(chats, count)
    assert seen.tokens == len(chats) * count, seen.tokens
    first = Spread.of(seen.first)
    assert first.p50 is not None
    assert first.p95 is not None
    name = f"{len(chats)}_chats"
    return {
        f"{name}_tok_s": seen.tokens / seen.seconds,
        f"{name}_first_p50_s": first.p50,
        f"{name}_first_p95_s": first.p95,
    }


def in_turn(
    sides: dict[str, Side], texts: Texts, rounds: int, loads: Sequence[tuple[int, int, int]]
) -> dict[str, list[dict[str, float]]]:
    """Every load by every side, each round another one first; each side has answered once before, to be warm."""
    names = list(sides)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for side in sides.values():
        side.chats(texts.chats(2, 64), 8)
    for number in range(rounds):
        results: dict[str, dict[str, float]] = {name: {} for name in names}
        for together, tokens, count in loads:
            chats = texts.chats(together, tokens)
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                results[name] |= measured(sides[name], chats, count)
        for name in names:
            found[name].append(results[name])
            print(f"round {number + 1} of {rounds}, {name}: {rounded(results[name])}", file=sys.stderr)
    for name, side in sides.items():
        for each in found[name]:
            each["peak_memory_mb"] = side.peak()
    return found


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {task: round(value, 2) for task, value in figures.items()}


def figures(mine: list[dict[str, float]], theirs: list[dict[str, float]]) -> list[Figure]:
    pairs = list(zip(mine, theirs, strict=True))
    return [figure(task, pairs, larger=task.endswith("tok_s")) for task in mine[0]]


def report(found: Sequence[Figure], dtype: str, peer: str, version: str, arguments: argparse.Namespace) -> None:
    """Rows in results/, or with `--quick` just lines."""
    if arguments.quick:
        for each in found:
            print(
                f"{dtype} {each.task}: ours {each.ours:.2f}, {peer} {each.peer:.2f}, {each.ratio:.2f} ({each.spread})"
            )
        return
    mode = "".join(f" --{mode}" for mode in ("reuse", "speculation") if getattr(arguments, mode))
    given = {
        "llama.cpp": " --llama-server BINARY",
        "openvino-genai": " --openvino-genai PYTHON --openvino-models FOLDER",
    }
    command = f"python bench/serve.py{mode} --rounds {arguments.rounds}{given.get(peer, '')}"
    record(found, model=MODEL, dtype=dtype, peer=peer, version=version, command=command, threads=THREADS)


def chats(arguments: argparse.Namespace) -> None:
    """8 and 16 chats at once: ours in two forms, and each peer in the forms nearest to them."""
    paths, texts = files(), Texts()
    sides: dict[str, Side] = {}
    with ExitStack() as stack:

        def add(name: str, side: Side) -> None:
            sides[name] = side
            stack.callback(side.close)

        add("int8", ours(paths["q4_1"], "int8"))
        add("q4_1", ours(paths["q4_1"], "stored"))
        add("q4_0", ours(paths["q4_0"], "stored"))
        for peer, form in AGAINST:
            if peer == "llama.cpp" and arguments.llama_server:
                # Its cache of old prompts is off: none of these prompts comes again, and its memory would count.
                add(f"{peer} {form}", llama_cpp(arguments.llama_server, paths[form], "--cache-ram", "0"))
            if peer == "openvino-genai" and arguments.openvino_genai:
                folder = str(Path(arguments.openvino_models) / form)
                add(f"{peer} {form}", Pipeline(arguments.openvino_genai, peer, folder, "-", texts.render))
        loads = ((2, 64, 8), (4, 64, 8)) if arguments.quick else ((8, 128, 128), (16, 128, 128))
        found = in_turn(sides, texts, arguments.rounds, loads)
        for (peer, form), forms in AGAINST.items():
            theirs = f"{peer} {form}"
            for mine in forms if theirs in found else ():
                both = figures(found[mine], found[theirs])
                report(both, f"{mine} against {form}", peer, sides[theirs].version, arguments)


def reuse(arguments: argparse.Namespace) -> None:
    """A second question about the same document, against the first one; ours, and llama.cpp's for comparison."""
    paths, texts = files(), Texts()
    tokens = 300 if arguments.quick else DOCUMENT
    sides: dict[str, Side] = {"ours": ours(paths["q4_1"], "int8")}
    if arguments.llama_server:
        sides["llama.cpp"] = llama_cpp(arguments.llama_server, paths["q8_0"])
    pairs: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {name: [] for name in sides}
    for side in sides.values():
        side.chats(texts.chats(2, 64), 8)
    for number in range(arguments.rounds):
        document = texts.passage(tokens)
        for name in list(sides) if number % 2 else list(sides)[::-1]:
            first, second = [
                {"second_question_first_s": sides[name].chats([user(f"{document}\n\n{question}")], 8).first[0]}
                for question in QUESTIONS
            ]
            pairs[name].append((second, first))
            print(f"round {number + 1}, {name}: first {rounded(first)}, second {rounded(second)}", file=sys.stderr)
    for name, side in sides.items():
        side.close()
        found = [figure("second_question_first_s", pairs[name], larger=False)]
        if name == "ours":
            report(found, "int8", "the first question", side.version, arguments)
        else:
            print(f"{name}: second {found[0].ours:.3f}, first {found[0].peer:.3f}, ratio {found[0].ratio:.2f}")


def speculation(arguments: argparse.Namespace) -> None:
    """With drafts against without, in the same engine: answers that repeat, ordinary ones, and 8 of those at once."""
    file, texts = str(files()["q4_1"]), Texts()
    length, count = (100, 24) if arguments.quick else (256, 256)
    tasks: dict[str, Callable[[], list[Chat]]] = {
        "repeat": lambda: texts.chats(1, length, before=REPEAT),
        "chat": lambda: texts.chats(1, length, after="\n\nWhat may happen next?"),
        "8_chats": lambda: texts.chats(8, length, after="\n\nWhat may happen next?"),
    }
    for quantize in ("int8", "stored"):
        sides = [
            Pipeline(sys.executable, "ours", file, setting, texts.render) for setting in (quantize, f"{quantize}-plain")
        ]
        for side in sides:
            side.chats(texts.chats(1, 64), 8)
        pairs: list[tuple[dict[str, float], dict[str, float]]] = []
        for number in range(arguments.rounds):
            rates: list[dict[str, float]] = [{}, {}]
            for task, make in tasks.items():
                chats, seen = make(), {}
                for which in (0, 1) if number % 2 else (1, 0):
                    seen[which] = sides[which].chats(chats, count)
                    rates[which][f"drafts_{task}_tok_s"] = seen[which].tokens / seen[which].seconds
                if seen[0].texts != seen[1].texts:
                    raise SystemExit(
                        f"{task}: the text differs with drafts and without:\n{seen[0].texts}\n{seen[1].texts}"
                    )
            pairs.append((rates[0], rates[1]))
            print(f"round {number + 1}, {quantize}: {[rounded(each) for each in rates]}", file=sys.stderr)
        for side in sides:
            side.close()
        found = [figure(task, pairs, larger=True) for task in pairs[0][0]]
        report(found, quantize, "without drafts", sides[0].version, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--llama-server", metavar="BINARY", help="llama.cpp's server")
    parser.add_argument("--openvino-genai", metavar="PYTHON", help="a Python that has openvino_genai")
    parser.add_argument("--openvino-models", metavar="FOLDER", help="has int8 and int4, exported for it")
    parser.add_argument("--reuse", action="store_true", help="a second question about the same document")
    parser.add_argument("--speculation", action="store_true", help="with drafts and without")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing recorded")
    arguments = parser.parse_args()
    mode = reuse if arguments.reuse else speculation if arguments.speculation else chats
    mode(arguments)


if __name__ == "__main__":
    main()
