"""A Jinja in which a stranger's chat template can neither reach out, nor run for ever, nor fill memory.

Jinja's sandbox keeps a template from Python's insides. What is added here: every value that a template makes is
charged to an allowance, every step looks at the clock, and what makes much out of little in one step is either
priced before it is done (`*`, `replace`, `join`, `indent`, `tojson`) or not there (padding, formatting, inheritance).
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from unmask.base.errors import TemplateError
from unmask.text.meter import Meter, weight
from unmask.text.template_names import GLOBALS, METHODS, all_filters, price_join, price_replace

LARGEST_INTEGER = 4_096  # bits
FOREIGN = (
    nodes.Block,
    nodes.Extends,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.EvalContextModifier,
    nodes.ScopedEvalContextModifier,
)


def compile_template(source: str) -> Template:
    """A template whose every rendering is metered.

    Raises:
        TemplateError: if it uses tags that a chat template has no use for.
        jinja2.TemplateSyntaxError and whatever else Jinja and Python raise for a text that is no template.
    """
    fence = Fence()
    tree = fence.parse(source)
    for node in tree.find_all(FOREIGN):
        raise TemplateError(
            "The chat template uses a {tag} tag at line {line}; it must be one text, without escaping. Remove the tag.",
            tag=type(node).__name__,
            line=node.lineno,
        )
    tree = Metered().visit(tree)
    tree.set_environment(fence)
    return fence.from_string(tree)


class Generation(Extension):
    """`{% generation %}`: marks what the model writes, for training. Here its body is simply rendered."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja wants it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class Metered(NodeTransformer):
    """Routes through a call, which is metered, whatever a template makes or repeats without one."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(through("tick", [], node), lineno=node.lineno))
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802
        self.generic_visit(node)
        # As a constant, the text between tags goes through `printed` like everything else.
        node.nodes = [
            nodes.Const(each.data, lineno=each.lineno) if isinstance(each, nodes.TemplateData) else each
            for each in node.nodes
        ]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:  # noqa: N802
        self.generic_visit(node)
        return through("concatenate", node.nodes, node)

    def visit_List(self, node: nodes.Literal) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        # Without a variable inside, a literal is no larger than its own source.
        return node if node.find(nodes.Name) is None else through("collect", [node], node)

    visit_Dict = visit_List  # noqa: N815

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802
        return node if node.ctx == "store" else self.visit_List(node)


def through(name: str, arguments: list[nodes.Expr], node: nodes.Node) -> nodes.Call:
    """A call of the fence's own function `name`."""
    return nodes.Call(nodes.EnvironmentAttribute(name), arguments, [], None, None, lineno=node.lineno)


class Fence(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with a meter in every call, operator, filter and print."""

    context_class = Meter
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Generation, loopcontrols],
            finalize=printed,
            optimized=False,  # folding constants would be work that no clock watches
        )
        self.globals = {"range": self.globals["range"], **GLOBALS}
        self.filters = all_filters()

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, methods in METHODS.items():
            if isinstance(obj, kind):
                return attr in methods
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Jinja would make `format` safe, but not its widths: it stays refused like the other methods."""

    def call(self, context: Meter, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        context.check((args, kwargs))
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", None)
        if isinstance(owner, str) and name == "replace":
            price_replace(context, owner, *args[:2])
        elif isinstance(owner, str) and name == "join":
            args = (price_join(context, owner, *args),)
        return context.made(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Meter, operator: str, left: Any, right: Any) -> Any:  # type: ignore[override]
        if operator == "%" and isinstance(left, str):
            raise TemplateError("The chat template formats text with %, which is not supported. Use ~ instead.")
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
            if bits > LARGEST_INTEGER:
                raise TemplateError(
                    "The chat template makes a number of more than {bits} bits. Correct the template.",
                    bits=LARGEST_INTEGER,
                )
        elif operator == "*":
            for many, times in ((left, right), (right, left)):
                if isinstance(many, str | list | tuple) and isinstance(times, int):
                    context.charge(weight(many, limit=context.limit) * max(times, 0))
        return context.made(super().call_binop(context, operator, left, right))

    @staticmethod
    def tick() -> None:
        """Nothing: the call itself looks at the clock."""

    @staticmethod
    def collect(value: Any) -> Any:
        return value

    @staticmethod
    def concatenate(*parts: Any) -> str:
        return "".join(map(str, parts))


@pass_context
def printed(context: Meter, value: Any) -> str:
    """What a template prints, captured or not."""
    text = value if isinstance(value, str) else str(value)
    context.charge(len(text))
    return text
