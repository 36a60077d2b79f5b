#!/usr/bin/env python3
"""How large the program is: ``python tools/size.py [FOLDER]``, by default ``src``.

A code line is one on which some token stands that is neither a comment nor a docstring.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

NOT_CODE = {
    getattr(tokenize, kind) for kind in ("COMMENT", "DEDENT", "ENCODING", "ENDMARKER", "INDENT", "NEWLINE", "NL")
}

WITH_DOCSTRING = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

LONG_MODULE = 300
LONG_FUNCTION = 50


def main(folder: Path) -> None:
    """Print the figures of all modules below *folder*, those of fakes for tests apart."""
    modules = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    for label, is_fake in (("the program", False), ("its fakes for tests (testing/)", True)):
        chosen = {path: text for path, text in modules.items() if ("testing" in path.parts) is is_fake}
        if chosen:
            sys.stdout.write("\n  ".join([f"{label}:", *figures(chosen)]) + "\n")


def figures(modules: dict[Path, str]) -> Iterator[str]:
    """One line for each figure."""
    code = {path: code_lines(text) for path, text in modules.items()}
    functions = {
        f"{path}:{node.lineno} {node.name}": len(
            [line for line in code[path] if node.lineno <= line <= node.end_lineno]
        )
        for path, text in modules.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }
    sizes = sorted(functions.values())
    yield f"{sum(map(len, code.values())):,} code lines in {len([one for one in code.values() if one])} modules"
    most = f"p90 {quantiles(sizes, n=10)[-1]:g}, most {sizes[-1]}"
    yield f"{len(sizes):,} functions; code lines: median {median(sizes):g}, {most}"
    documented = [public_docstrings(ast.parse(text)) for text in modules.values()]
    lines, names = (sum(column) for column in zip(*documented, strict=True))
    yield f"{lines:,} docstring lines for {names:,} public names: {lines / names:.2f} each"
    for path, text in modules.items():
        if (count := len(text.splitlines())) > LONG_MODULE:
            yield f"{path}: {count} lines, more than {LONG_MODULE}"
    for name, count in functions.items():
        if count > LONG_FUNCTION:
            yield f"{name}: {count} code lines, more than {LONG_FUNCTION}"


def code_lines(text: str) -> set[int]:
    """The numbers of the code lines."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, WITH_DOCSTRING)
        for statement in node.body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {line for token in tokens if token.type not in NOT_CODE for line in range(token.start[0], token.end[0] + 1)}
    return lines - docstrings


def public_docstrings(tree: ast.Module) -> tuple[int, int]:
    """Lines of docstrings, and the public names that could have one."""
    nodes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, WITH_DOCSTRING) and (isinstance(node, ast.Module) or not node.name.startswith("_"))
    ]
    texts = [ast.get_docstring(node) or "" for node in nodes]
    return sum(len(text.splitlines()) for text in texts), len(nodes)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src"))
