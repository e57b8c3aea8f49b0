"""Formulas over a few numbers: read once into functions; nothing of the text is run as code.

    1 - share                    (1 + cos(pi * share)) / 2           1 if epoch < 2 else 0.1 ** (epoch - 2)

Numbers, the names that are allowed, + - * / **, comparisons, `A if CONDITION else B`, and the functions
below.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence

Value = float | bool
Values = Mapping[str, float]
Part = Callable[[Values], Value]

LONGEST = 300
FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "floor": math.floor,
}
SIGNS: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
COMPARISONS: Mapping[type, Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def read(text: str, names: Sequence[str]) -> Callable[[Values], float]:
    """A function of the values of the names; it gives NaN where the formula has no value.

    Raises:
        ValueError: when the text is no formula over these names; says what is wrong.
    """
    if len(text) > LONGEST:
        raise ValueError(f"the formula has {len(text)} characters; write at most {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(
            f"the formula {text!r} can't be read; write such as (1 + cos(pi * share)) / 2"
        ) from error
    part = _part(tree.body, (*names, "pi"))

    def value(values: Values) -> float:
        try:
            return float(part({**values, "pi": math.pi}))
        except (ArithmeticError, ValueError):
            return math.nan

    return value


def _part(node: ast.AST, names: Sequence[str]) -> Part:
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        number = _number(node.value)
        return lambda _values: number
    if isinstance(node, ast.Name):
        return _name(node.id, names)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _part(node.operand, names)
        return lambda values: -inner(values)
    if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
        sign, left, right = SIGNS[type(node.op)], _part(node.left, names), _part(node.right, names)
        return lambda values: sign(left(values), right(values))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        holds, one = COMPARISONS[type(node.ops[0])], _part(node.left, names)
        other = _part(node.comparators[0], names)
        return lambda values: holds(one(values), other(values))
    if isinstance(node, ast.IfExp):
        test, then, rest = (_part(each, names) for each in (node.test, node.body, node.orelse))
        return lambda values: then(values) if test(values) else rest(values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, [_part(each, names) for each in node.args])
    shown = ast.unparse(node)
    raise ValueError(
        f"{shown!r} is not allowed in a formula; it may have numbers, names, + - * / **, if and else"
    )


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("a number of the formula is too large; write at most 1e308") from error


def _name(name: str, names: Sequence[str]) -> Part:
    if name not in names:
        raise ValueError(f"there is no {name!r} in a formula; there are {', '.join(names)}")
    return lambda values: values[name]


def _call(name: str, arguments: Sequence[Part]) -> Part:
    if name not in FUNCTIONS:
        raise ValueError(f"there is no function {name!r} in a formula; there are {', '.join(FUNCTIONS)}")
    several = name in ("min", "max")
    if len(arguments) != 1 and not (several and arguments):
        raise ValueError(
            f"{name} takes {'one number or more' if several else 'one number'}, not {len(arguments)}"
        )
    function = FUNCTIONS[name] if len(arguments) > 1 or not several else float
    return lambda values: function(*(each(values) for each in arguments))
