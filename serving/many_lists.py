"""The lists of many users at once, which nobody is shown yet."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import orjson

from nightschool.errors import NotFound
from serving.answers import ListRequest
from serving.candidate_pools import ReadPools
from serving.schemas.common import ExternalId, as_text
from serving.service import Service

_BLOCK = 50
"""Users whose lists one thread makes at a time, so that other requests are not kept waiting."""

Answers = tuple[list[bytes], list[dict[str, object]]]


def blocks(user_ids: Sequence[ExternalId]) -> Iterator[Sequence[ExternalId]]:
    """Yield the users in blocks, each user once, whether an id is given as a number or as a text."""
    first = dict[str, ExternalId]()
    for user_id in user_ids:
        first.setdefault(str(user_id), user_id)
    users = list(first.values())
    for start in range(0, len(users), _BLOCK):
        yield users[start : start + _BLOCK]


def pools_of(service: Service, user_ids: Sequence[ExternalId], asked: ListRequest) -> ReadPools | None:
    """Read the candidates of the users at once; None where lists are only looked up.

    Raises:
        Unreachable: No release is published yet, or it is being replaced.
    """
    if asked.as_published and service.policy.rules.plain:
        return None
    snapshot = service.current.snapshot
    return snapshot.pools.of_many([user for one in user_ids if (user := snapshot.user_id(one)) is not None])


def lists_of(service: Service, pools: ReadPools | None, user_ids: Sequence[ExternalId], asked: ListRequest) -> Answers:
    """Return the encoded lists of some users, and those whom the home can have none for, with the reason.

    Args:
        service: The service.
        pools: The candidates of these users; None: each is read when it is needed.
        user_ids: The users.
        asked: What the request asks.

    Raises:
        Unreachable: No release is published yet, or events cannot be read now.
        ConfigurationError: A parameter of the request does not fit the release.
    """
    lists, refused = list[bytes](), list[dict[str, object]]()
    with pools.at_hand() if pools else nullcontext():
        for user_id in user_ids:
            try:
                lists.append(service.lists.body(user_id, asked).json)
            except NotFound as error:
                refused.append({"user_id": as_text(user_id), "detail": as_text(error)})
    return lists, refused


def encode(answers: Sequence[Answers]) -> bytes:
    """Encode the answers of all blocks as `schemas.ManyLists`."""
    lists = b",".join(json for block, _ in answers for json in block)
    refused = [one for _, block in answers for one in block]
    return b'{"lists":[' + lists + b'],"refused":' + orjson.dumps(refused) + b"}"
