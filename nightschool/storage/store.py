"""An object store below one address, such as s3://bucket/prefix: what a home keeps so that it outlives its machine."""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import ObjectStore, from_url

from nightschool.errors import ConfigurationError, Unreachable
from nightschool.storage.durable import replacing

PROBE: Final = "_probe"
CLOCK: Final = "_clock"

_AT_A_TIME: Final = 1000  # objects that one request deletes
_CHUNK: Final = 8 << 20
_ABSENT: Final = (NotFoundError, FileNotFoundError)
_NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound")
_MESSAGE: Final = re.compile(r"<Message>([^<]+)</Message>")
_OF_ONE: Final = ("read", "look at", "delete", "swap")
"""What may find no object; whatever else finds nothing there has no bucket."""


class Entry(NamedTuple):
    """An object.

    Attributes:
        size: Its bytes.
        tag: Changes with its content.
        modified: When it was written, by the store's clock.
    """

    size: int
    tag: str
    modified: datetime


class Store:
    """The objects below an address, named by paths with slashes.

    Every failure of the store is an `Unreachable` that names it; requests are repeated as `obstore` does, for minutes.
    """

    def __init__(self, objects: ObjectStore, address: str) -> None:
        self._objects = objects
        self.address = address

    @classmethod
    def at(cls, address: str) -> Self:
        """Open the store at an address; credentials and region come from where its own tools look for them.

        Raises:
            ConfigurationError: The address is none that can be opened.
        """
        try:
            return cls(from_url(address, client_options={"allow_http": True}), address)
        except (BaseError, ValueError) as error:
            do = "give one as s3://bucket/prefix or az://container/prefix"
            raise ConfigurationError("no store can be opened there", seen=f"{address}: {error}", do=do) from error

    def require_conditional(self) -> None:
        """Check by trying that the store refuses to create what is there, on which releases rest.

        Raises:
            ConfigurationError: It does not.
            Unreachable: It cannot be written.
        """
        name = f"{PROBE}/{time.time_ns()}"
        do = "use one with conditional writes, as S3, Azure and newer MinIO have"
        try:
            refuses = self.create(name, b"1") and not self._creates(name, b"2")
            if not refuses or self.swap(name, b"3", '"another"') is not None:
                raise ConfigurationError(f"{self.address} overwrites what it was asked to create", do=do)
        except NotImplementedError as error:
            raise ConfigurationError(f"{self.address} cannot be used: it knows no conditional writes", do=do) from error
        finally:
            with suppress(Unreachable):
                self.delete([name])

    def entries(self, folder: str = "") -> dict[str, Entry]:
        """List the objects below a folder, by name."""
        with self._told("list", folder):
            found = [one for page in obstore.list(self._objects, folder or None) for one in page]
        return {one["path"]: Entry(one["size"], one["e_tag"] or "", one["last_modified"]) for one in found}

    def entry(self, name: str) -> Entry | None:
        """Return what is known of an object; None where there is none."""
        try:
            with self._told("look at", name):
                one = obstore.head(self._objects, name)
        except _ABSENT:
            return None
        return Entry(one["size"], one["e_tag"] or "", one["last_modified"])

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Return an object's content and its tag; None where there is none."""
        try:
            with self._told("read", name):
                found = obstore.get(self._objects, name)
                return bytes(found.bytes()), found.meta["e_tag"] or ""
        except _ABSENT:
            return None

    def fetch(self, name: str, file: Path) -> str:
        """Write an object to a file, whole or not at all; return its tag.

        Raises:
            Unreachable: It is not there, or the store does not answer.
        """
        try:
            with self._told("read", name), replacing(file) as draft:
                found = obstore.get(self._objects, name)
                with draft.open("wb") as target:
                    for chunk in found.stream(min_chunk_size=_CHUNK):
                        target.write(chunk)
                return found.meta["e_tag"] or ""
        except _ABSENT as error:
            raise Unreachable(f"{self.address} has no {name}", do="try again; then restore it") from error

    def put(self, name: str, content: bytes | Path) -> str:
        """Write an object, over what is there; return its tag."""
        with self._told("write", name):
            return obstore.put(self._objects, name, content)["e_tag"] or ""

    def create(self, name: str, content: bytes) -> bool:
        """Write an object where there is none; return whether it is there with this content now.

        An answer can be lost after the write: who finds the own content there has written it.
        """
        if self._creates(name, content):
            return True
        found = self.read(name)
        return found is not None and found[0] == content

    def swap(self, name: str, content: bytes, tag: str) -> str | None:
        """Replace an object whose tag is this one; return the new tag, None where it has another one or is gone."""
        try:
            with self._told("swap", name):
                return obstore.put(self._objects, name, content, mode={"e_tag": tag})["e_tag"] or ""
        except (PreconditionError, *_ABSENT):
            found = self.read(name)
            return found[1] if found is not None and found[0] == content else None

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that are not there are no fault."""
        every = list(names)
        for start in range(0, len(every), _AT_A_TIME):
            batch = every[start : start + _AT_A_TIME]
            try:
                with self._told("delete", batch[0]):
                    obstore.delete(self._objects, batch)
            except _ABSENT:
                # Of a batch in which one is absent others may be left.
                for name in batch:
                    with suppress(*_ABSENT), self._told("delete", name):
                        obstore.delete(self._objects, name)

    def now(self) -> datetime:
        """Return the time by the store's clock, which all machines share."""
        with self._told("write", CLOCK):
            obstore.put(self._objects, CLOCK, b"")
            return obstore.head(self._objects, CLOCK)["last_modified"]

    def _creates(self, name: str, content: bytes) -> bool:
        try:
            with self._told("write", name):
                obstore.put(self._objects, name, content, mode="create")
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    @contextmanager
    def _told(self, what: str, name: str) -> Iterator[None]:
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except _ABSENT as error:
            if what in _OF_ONE:
                raise
            raise self._missing(what, name) from error
        except (BaseError, OSError) as error:
            text = str(error)
            if any(code in text for code in _NO_BUCKET):
                raise self._missing(what, name) from error
            said = _MESSAGE.search(text)
            seen = said[1] if said else text.strip().splitlines()[0]
            do = "check the address, its credentials and the network; `nightschool doctor` tries it"
            raise Unreachable(f"cannot {what} {name or 'objects'} in {self.address}", seen=seen, do=do) from error

    def _missing(self, what: str, name: str) -> Unreachable:
        do = "make the bucket, or correct the address"
        return Unreachable(f"cannot {what} {name or 'objects'} in {self.address}: it is not there", do=do)
