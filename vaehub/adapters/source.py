"""What a function does, in words that comments, layout, the version of Python and the process do not change."""

import ast
import dis
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType

_READ = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})
_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_NOT_SHOWN = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_NO_OPERATIONS = frozenset({"NOP", "RESUME", "CACHE", "EXTENDED_ARG"})
_CONSTANT = ("LOAD_CONST", "LOAD_SMALL_INT", "RETURN_CONST")


@dataclass(frozen=True)
class Names:
    """Names that code uses.

    Attributes:
        of_globals: Looked up among globals and builtins.
        read: Attributes that are read, of anything.
        needed: Those that are read before the same function has set them.
        stored: Attributes that are set, of anything.
        imports: Modules imported when it runs: name, level, and the names taken from it.
    """

    of_globals: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    imports: set[tuple[str, int, tuple[str, ...]]] = field(default_factory=set)


@lru_cache(maxsize=4096)
def names_in(code: CodeType) -> Names:
    """Return the names that code uses, with those of the functions inside it."""
    found, before = Names(), (None, None)
    for each in dis.get_instructions(code):
        name = each.argval
        if each.opname in _GLOBAL:
            found.of_globals.add(name)
        elif each.opname in _READ:
            found.read.add(name)
            found.needed.update({name} - found.stored)
        elif each.opname == "STORE_ATTR":
            found.stored.add(name)
        elif each.opname == "IMPORT_NAME":
            level, names = before
            found.imports.add((name, level or 0, tuple(names or ())))
        before = (before[1], name)
    for inner in _inner(code):
        more = names_in(inner)
        found.of_globals.update(more.of_globals)
        found.read.update(more.read)
        found.needed.update(more.needed)
        found.stored.update(more.stored)
        found.imports.update(more.imports)
    return found


def operations(code: CodeType) -> str:
    """Return what code does, as text.

    It is the syntax tree of the source, without documentation, where the source that is at hand is that of this very
    code; for an edited file, or without a file, it is the instructions, which depend on the version of Python.
    """
    node = _node(code)
    return "".join(_instructions(code)) if node is None else "".join(_syntax(node))


def _node(code: CodeType) -> ast.AST | None:
    """Return the syntax tree of code, unless the file has changed since the code was loaded."""
    for again in (False, True):
        if again:
            linecache.checkcache(code.co_filename)
        found = _functions("".join(linecache.getlines(code.co_filename)))
        nodes, codes = found.get((code.co_name, code.co_firstlineno), ((), ()))
        # Two functions of one name in one line cannot be told apart.
        if len(nodes) == 1 and code in codes:
            return nodes[0]
    return None


@lru_cache(maxsize=64)
def _functions(source: str) -> dict[tuple[str, int], tuple[list[ast.AST], list[CodeType]]]:
    """Return syntax and code of all functions in a source, by name and first line."""
    try:
        tree = ast.parse(source)
        whole = compile(source, "<source>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return {}
    found: dict[tuple[str, int], tuple[list[ast.AST], list[CodeType]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
            above = [] if isinstance(node, ast.Lambda) else node.decorator_list
            found.setdefault((name, min(each.lineno for each in (node, *above))), ([], []))[0].append(node)
    waiting = [whole]
    while waiting:
        code = waiting.pop()
        waiting += _inner(code)
        found.setdefault((code.co_name, code.co_firstlineno), ([], []))[1].append(code)
    return found


def _syntax(node: object) -> Iterator[str]:
    """Yield a syntax tree as text: what is empty in one version of Python may be missing in another."""
    if isinstance(node, ast.Constant):
        yield f"{type(node.value).__name__} {node.value!r};"
    elif isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for name, value in ast.iter_fields(node):
            if name in _NOT_SHOWN or value is None or (isinstance(value, list) and not value):
                continue
            yield f"{name}="
            documented = name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from _syntax(value[1:] if documented and ast.get_docstring(node, clean=False) is not None else value)  # type: ignore[arg-type]
        yield ")"
    elif isinstance(node, list):
        for each in node:
            yield from _syntax(each)
    else:
        yield f"{node!r};"


def _instructions(code: CodeType) -> Iterator[str]:
    yield f"{sys.implementation.cache_tag} {code.co_argcount} {code.co_kwonlyargcount} {code.co_flags};"
    for each in dis.get_instructions(code):
        if each.opname in _NO_OPERATIONS:
            continue
        yield f"{each.opname} "
        if isinstance(each.argval, CodeType):
            yield from _instructions(each.argval)
        elif each.opname in _CONSTANT:
            yield _constant(each.argval)
        else:
            yield f"{each.argval};"


def _constant(value: object) -> str:
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_constant, value)))}}};"
    if isinstance(value, tuple):
        return f"({','.join(map(_constant, value))});"
    return f"{type(value).__name__} {value!r};"


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]
