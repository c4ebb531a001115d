"""The native library's own test, tests/native, under the compiler's watch: memory, undefined arithmetic, races."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIBRARY, CHECK = ROOT / "unmask" / "native", ROOT / "tests" / "native"
# -O0: every load and store of the source is one that the sanitizer sees, and the unrolled kernels compile in seconds.
FLAGS = ("-std=c11", "-O0", "-g1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=fast", "-pthread")


def missing(what: str) -> None:
    """Skip where a part of the compiler is not installed; in CI it has to be."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def sanitized(folder: Path, names: str) -> Path:
    """The check built with these sanitizers, its files two at a time: they compile for seconds each."""
    compiler = shutil.which("cc")
    if compiler is None:
        missing("no C compiler")
    probe = [compiler, f"-fsanitize={names}", "-x", "c", "-", "-o", folder / "probe"]
    if subprocess.run(probe, input=b"int main(void) { return 0; }", capture_output=True).returncode:
        missing(f"the compiler has no runtime for -fsanitize={names}")
    sanitizer = (f"-fsanitize={names}", "-fno-sanitize-recover=all", *FLAGS)
    sources = [*sorted(LIBRARY.glob("*.c")), *sorted(CHECK.glob("*.c"))]
    objects = [folder / f"{source.parent.parent.name}-{source.stem}.o" for source in sources]
    for process in started([compiler, *sanitizer, f"-I{LIBRARY}", "-c", source, "-o", made]
                           for source, made in zip(sources, objects, strict=True)):  # fmt: skip
        said, _ = process.communicate()
        assert process.returncode == 0, said
    check = folder / "check"
    subprocess.run([compiler, *sanitizer, *objects, "-o", check, "-lm"], check=True)
    return check


def started(commands: Iterator[list[str | Path]]) -> Iterator[subprocess.Popen[str]]:
    """Each command's process, the next one running already."""
    before: subprocess.Popen[str] | None = None
    for command in commands:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if before is not None:
            yield before
        before = process
    if before is not None:
        yield before


def run(check: Path, *words: str) -> str:
    done = subprocess.run([check, *words], capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_kernel_reads_or_writes_beyond_its_rows_and_each_gives_the_numbers_of_plain_loops(tmp_path: Path):
    assert "portable all is well" in " ".join(run(sanitized(tmp_path, "address,undefined")).split())


def test_threads_of_a_pool_never_race(tmp_path: Path):
    assert run(sanitized(tmp_path, "thread"), "threads") == "threads all is well\n"
