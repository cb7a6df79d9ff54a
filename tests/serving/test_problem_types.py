import re

import pytest

from nightschool.errors import Busy, Conflict, GateRefused, NightschoolError, NotFound, Unreachable
from serving.problem_types import BY_SLUG, ProblemType, kind_of


def test_each_kind_is_a_member_of_its_own() -> None:
    """Two kinds with equal values would be one member of the enumeration under two names."""
    assert len(ProblemType.__members__) == len(ProblemType) == len(BY_SLUG)
    assert len({each.title for each in ProblemType}) == len(ProblemType)


@pytest.mark.parametrize("kind", ProblemType, ids=lambda kind: kind.slug)
def test_a_kind_says_what_it_means_and_what_to_do(kind: ProblemType) -> None:
    assert re.fullmatch(r"/problems/[a-z]+(-[a-z]+)*", kind.uri)
    assert BY_SLUG[kind.slug] is kind
    assert kind.status >= 400
    assert not kind.title.endswith(".")
    for sentence in (kind.meaning, kind.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("x"), ProblemType.UNAVAILABLE),
        (NotFound("x"), ProblemType.NOT_FOUND),
        (Conflict("x"), ProblemType.CONFLICT),
        (Busy("x"), ProblemType.BUSY),
        (GateRefused("x"), ProblemType.UNFIT_REQUEST),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_expected_error_has_its_kind(error: NightschoolError, kind: ProblemType) -> None:
    assert kind_of(error) is kind


def test_addresses_of_kinds_stay() -> None:
    """Programs compare them: one that is renamed or removed breaks clients."""
    assert sorted(BY_SLUG) == [
        "address-too-long",
        "bad-request",
        "body-too-large",
        "busy",
        "conflict",
        "foreign-page",
        "internal-error",
        "invalid-request",
        "local-only",
        "method-not-allowed",
        "no-key",
        "not-found",
        "other-user",
        "overloaded",
        "rate-limited",
        "role-too-low",
        "unavailable",
        "unfit-request",
        "unknown-address",
    ]
