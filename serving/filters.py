"""Filters over the catalogue's items: a text such as `difficulty <= "Hard" and price < 20` as a polars expression."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, NamedTuple

import polars as pl

from serving.filter_columns import CONSTANTS, ITEM, MOST_NAMES, Column, Comparable, quoted
from serving.filter_syntax import Tree, parse_syntax

_COMPARISONS: Final[Mapping[type[ast.cmpop], Any]] = {
    ast.Eq: eq,
    ast.NotEq: ne,
    ast.Lt: lt,
    ast.LtE: le,
    ast.Gt: gt,
    ast.GtE: ge,
}


class _Value(NamedTuple):
    """A value that a filter writes out."""

    value: object


Operand = Column | _Value

Member = tuple[str, Comparable]
"""A column of lists and one value that its lists may hold."""


@dataclass(frozen=True, eq=False)
class Filter:
    """A filter over the items of a release.

    Attributes:
        expression: bool [n_items] without nulls, over prepared columns and those of the members.
        members: Which value is looked for in which column of lists, by the name of the column that says where it is.
    """

    expression: pl.Expr
    members: Mapping[str, Member]


def parse_filter(text: str, columns: Mapping[str, Column]) -> Filter:
    """Compile a filter.

    A comparison with a missing value is unknown, as in SQL, and so is what depends on it; unknown is false in the end.

    Args:
        text: The filter.
        columns: The columns that it may name.

    Raises:
        ConfigurationError: It is not a filter, or does not fit the columns; the message names the position.
    """
    tree = parse_syntax(text)
    compiler = _Compiler(tree, columns)
    return Filter(compiler.condition(tree.body).fill_null(value=False), compiler.members)


class _Compiler:
    """Compiles the nodes of one filter."""

    def __init__(self, tree: Tree, columns: Mapping[str, Column]) -> None:
        self._tree = tree
        self._columns = columns
        self.members: dict[str, Member] = {}

    def condition(self, node: ast.expr) -> pl.Expr:
        """Compile what is true, false or unknown of an item."""
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                return pl.all_horizontal(*map(self.condition, parts))
            case ast.BoolOp(values=parts):
                return pl.any_horizontal(*map(self.condition, parts))
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return ~self.condition(part)
            case ast.Compare(left=first, ops=ops, comparators=others):
                pairs = zip([first, *others], ops, others, strict=False)
                return pl.all_horizontal(*(self._comparison(*pair) for pair in pairs))
        operand = self._operand(node)
        if isinstance(operand, _Value):
            raise self._tree.fault(node, "a value alone decides nothing", "compare a column with it")
        if operand.holds != "flag":
            what = f"{operand.written} holds {operand.held}, which alone decide nothing"
            raise self._tree.fault(node, what, operand.usage)
        return pl.col(operand.name)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> pl.Expr:
        if isinstance(op, ast.In):
            return self._membership(left, right)
        if isinstance(op, ast.NotIn):
            return ~self._membership(left, right)
        one, other = self._operand(left), self._operand(right)
        column, opposite, place = (one, other, right) if isinstance(one, Column) else (other, one, left)
        if isinstance(column, _Value):
            raise self._tree.fault(left, "two values are compared", "compare a column with a value")
        ordered = not isinstance(op, ast.Eq | ast.NotEq)
        if isinstance(opposite, _Value) and opposite.value is None:
            if ordered:
                raise self._tree.fault(place, "null has no order", f"write {column.written} == null")
            missing = _missing(column)
            return missing if isinstance(op, ast.Eq) else ~missing
        if column.listed or (ordered and column.holds == "flag"):
            what = f"{column.written} holds {column.held}, which are not compared so"
            raise self._tree.fault(left if column is one else right, what, column.usage)
        sides = pl.col(column.name), self._compared(column, opposite, place)
        relation: pl.Expr = _COMPARISONS[type(op)](*(sides if column is one else reversed(sides)))
        return relation

    def _compared(self, column: Column, opposite: Operand, node: ast.expr) -> pl.Expr:
        """Return what a column is compared with: a value that fits it, or a column that holds the same."""
        if isinstance(opposite, _Value):
            return _literal(self._fitting(column, opposite, node))
        if (opposite.holds, opposite.listed, opposite.levels) != (column.holds, False, column.levels):
            what = f"{opposite.written} holds {opposite.held}, and {column.written} {column.held}"
            raise self._tree.fault(node, what, column.usage)
        return pl.col(opposite.name)

    def _membership(self, left: ast.expr, right: ast.expr) -> pl.Expr:
        member = self._operand(left)
        if isinstance(right, ast.Tuple | ast.List):
            return self._one_of(member, left, right.elts)
        among = self._operand(right)
        if isinstance(among, _Value):
            do = f"write {self._tree.written(left)} == {self._tree.written(right)}, or in (…, …) with several values"
            raise self._tree.fault(right, "in needs a list", do)
        if not among.listed:
            raise self._tree.fault(right, f"{among.written} holds one value an item, no list", among.usage)
        if isinstance(member, Column):
            raise self._tree.fault(left, "a column is looked for in a column", among.usage)
        value = self._fitting(among, member, left)
        name = f"\0{value!r} in {among.name}"  # no item column begins so
        self.members[name] = among.name, value
        return pl.col(name)

    def _one_of(self, column: Operand, node: ast.expr, elements: Sequence[ast.expr]) -> pl.Expr:
        if isinstance(column, _Value):
            raise self._tree.fault(node, "two values are compared", "compare a column with a value")
        if column.listed or column.holds == "flag":
            what = f"{column.written} holds {column.held}, which are in no list"
            raise self._tree.fault(node, what, column.usage)
        values = []
        for element in elements:
            value = self._operand(element)
            if isinstance(value, Column):
                raise self._tree.fault(element, "a column is in a list", "list values only")
            values.append(self._fitting(column, value, element))
        if column.dtype.is_integer():
            # No integer equals a fraction.
            values = [value for value in values if isinstance(value, int)]
        return pl.col(column.name).is_in(pl.lit(pl.Series([values], dtype=pl.List(column.dtype), strict=False)))

    def _fitting(self, column: Column, value: _Value, node: ast.expr) -> Comparable:
        """Return a value as the column is compared with it."""
        found = column.comparable(value.value)
        if found is None:
            what = "there is no such level" if column.levels else f"{column.written} holds {column.held}"
            raise self._tree.fault(node, what, column.usage)
        return found

    def _operand(self, node: ast.expr) -> Operand:
        """Return the column or value that a node is."""
        match node:
            case ast.Constant(value=value):
                return _Value(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return _Value(-value)
            case ast.Name() if (name := self._tree.written(node)) in CONSTANTS:
                return _Value(CONSTANTS[name])
            case ast.Name():
                return self._column(node, self._tree.written(node))
            case ast.Subscript(value=ast.Name(id=item), slice=ast.Constant(value=str() as name)) if item == ITEM:
                return self._column(node, name)
            case ast.Tuple() | ast.List():
                raise self._tree.fault(node, "a list stands only after in", "write COLUMN in (…, …)")
        what = "a column or a value must stand here"
        raise self._tree.fault(
            node, what, f'write a column, {ITEM}["column name"], a text, a number, true, false or null'
        )

    def _column(self, node: ast.expr, name: str) -> Column:
        if name in self._columns:
            return self._columns[name]
        near = get_close_matches(name, self._columns, n=3) or [*self._columns][:MOST_NAMES]
        text = f", or {quoted(name)} for a text" if isinstance(node, ast.Name) else ""
        do = f"use {', '.join(self._columns[each].written for each in near)}{text}"
        raise self._tree.fault(node, "there is no such item column", do)


def _missing(column: Column) -> pl.Expr:
    """Select the items that have no value: for a column of lists, those with an empty one."""
    return pl.col(column.name).list.len() == 0 if column.listed else pl.col(column.name).is_null()


def _literal(value: Comparable) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int64) if type(value) is int else pl.lit(value)
