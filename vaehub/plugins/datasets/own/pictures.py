"""Images in a folder or an archive: which there are, what their headers say, and their pixels, as a stream."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from vaehub import DataError, task
from vaehub.files import (
    IMAGE_ENDINGS,
    Bound,
    Budget,
    ImageHead,
    Listing,
    TooLarge,
    Undecodable,
    image_array,
    image_heads,
    image_range,
    is_hidden,
    listed,
    open_image,
    open_pages,
    read_members,
    remembered,
    resize_image,
    white_of,
)
from vaehub.plugins.datasets.own import ARCHIVE_ENDINGS
from vaehub.plugins.datasets.own.params import ImagesParams

AT_ONCE = 256
"""Images in work at a time, at most."""
WORKING = 1 << 30
"""Bytes that images in work take together; a single one that needs more is decoded alone."""
PER_PIXEL = 16
"""Bytes that a pixel takes while it is decoded, converted and resized: the most that any mode needs."""
MOST_THREADS = min(16, (os.cpu_count() or 1) + 4)
FEW_THREADS = min(4, MOST_THREADS)
"""Threads that look at headers, while it is not known how large the images are."""

T = TypeVar("T")
Content = bytes | Path
Range = tuple[float, float]


@dataclass(frozen=True)
class ImageFile:
    """An image file that is read.

    Attributes:
        at: Its position among all image files.
        name: Its path, with ``/``.
        n_pages: Pages or frames that it has.
        heads: Heads of those that are read.
        ranges: Smallest and largest value of each, if it has more than 8 bits.
    """

    at: int
    name: str
    n_pages: int
    heads: Sequence[ImageHead]
    ranges: Sequence[Range | None]


@dataclass(frozen=True)
class Survey:
    """What is in a folder or an archive.

    Attributes:
        files: Image files that are read, in order.
        notes: What a user should know of them and of all the rest, a sentence each.
    """

    files: Sequence[ImageFile]
    notes: Sequence[str]

    @property
    def names(self) -> list[str]:
        """Name of the file of each image."""
        return [file.name for file in self.files for _ in file.heads]

    @property
    def heads(self) -> list[ImageHead]:
        """Head of each image."""
        return [head for file in self.files for head in file.heads]


class Pictures:
    """The images of a user's folder or archive.

    Args:
        params: Where they are, and how they are read.
    """

    def __init__(self, params: ImagesParams) -> None:
        self.params = params
        self.bound = Bound.of(params.max_bytes)
        self._budget = Budget(min(WORKING, self.bound.n_bytes))
        self._listing = listed(params.path) if params.path.is_dir() else Listing()
        self._others: list[str] = []
        self._links: list[str] = []

    def survey(self) -> Survey:
        """Look at the header of every image; decode those of more than 8 bits, and all if broken ones are skipped.

        Raises:
            TooLarge: If an image takes more bytes than it may.
            DataError: If an image is broken and these are not skipped, or a link leads nowhere.
        """
        files: list[ImageFile] = []
        broken = self._broken_links()
        with task(f"looking at {self.params.path.name}") as advance:
            for found in self._each(self._examined):
                if isinstance(found, ImageFile):
                    files.append(found)
                else:
                    broken.append(str(found))
                advance(1)
        notes = [*_of_broken(broken, len(files)), *self._left_out(), *self._of_pages(files)]
        return Survey(files, notes)

    def are_grey_in_colour(self) -> bool:
        """Return whether all images are grey, and some are stored in colour. Stops at the first one in colour."""

        def found() -> str:
            kinds = set()
            for kind in self._each(self._kind, FEW_THREADS, 1):
                kinds.add(kind)
                if kind == "colour":
                    break
            return "yes" if "grey in colour" in kinds and "colour" not in kinds else "no"

        if not (self.params.path.is_dir() or is_archive(self.params.path)):
            return False
        state = ["grey in colour", str(self.params.content), self.params.pages]
        return remembered(self.params.path, state, found) == "yes"

    def whites(self, files: Sequence[ImageFile]) -> tuple[Mapping[tuple[int, int], float], list[str]]:
        """Return the value that is white of each page of more than 8 bits, by file and page, and notes.

        Raises:
            DataError: If the values do not say it.
        """
        if self.params.white is not None:
            return {}, []
        pages = {
            (file.at, page): (file, head.white, found)
            for file in files
            for page, (head, found) in enumerate(zip(file.heads, file.ranges, strict=True))
            if found is not None
        }
        notes, by_type = [], dict[float | None, float]()
        for declared in dict.fromkeys(white for _, white, _ in pages.values()):
            alike = [(file, found) for file, white, found in pages.values() if white == declared]
            low, high = min(found[0] for _, found in alike), max(found[1] for _, found in alike)
            title = f"{self.params.path} (images of more than 8 bits, such as {alike[0][0].name})"
            by_type[declared] = white_of((low, high), title, declared)
            if declared is None:
                notes.append(
                    f"the values of {len(alike)} images, such as {alike[0][0].name}, lie in [{low:g}, {high:g}], and "
                    f"{by_type[None]:g} is taken as white; '-s data.white=NUMBER' takes another"
                )
        return {page: by_type[white] for page, (_, white, _) in pages.items()}, notes

    def pixels(
        self, files: Sequence[ImageFile], whites: Mapping[tuple[int, int], float], size: tuple[int, int], channels: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the images in order, shape ``(h, w, c)``, decoded by several threads within a bound of memory."""
        by_position = {file.at: file for file in files}

        def decoded(at: int, name: str, content: Content) -> Iterator[NDArray[np.uint8]]:
            file = by_position.get(at)
            if file is None:
                return iter(())
            title, given = self._title(name), self.params.white
            wanted = [whites.get((at, page), given) for page in range(len(file.heads))]
            if len(wanted) > 1:
                # A file of many pages could be large: it is decoded as it is asked for.
                pages = open_pages(content, title, channels, n_pages=len(wanted), whites=wanted)
                return (self._fitted(page, size) for page in pages)
            with self._budget.taken(PER_PIXEL * file.heads[0].n_pixels):
                return iter((self._fitted(open_image(content, title, channels, white=wanted[0]), size),))

        window = max(1, min(AT_ONCE, WORKING // (size[0] * size[1] * channels)))
        largest = max(head.n_pixels for file in files for head in file.heads)
        n_threads = max(1, min(MOST_THREADS, WORKING // (PER_PIXEL * largest)))
        try:
            for some in self._each(decoded, window, n_threads):
                yield from some
        except Undecodable as error:
            raise _with_hint(error) from error

    def _fitted(self, image: Image, size: tuple[int, int]) -> NDArray[np.uint8]:
        return image_array(resize_image(image, size, crop=self.params.crop)).transpose(1, 2, 0)

    # Files

    def _each(
        self, work: Callable[[int, str, Content], T], window: int = AT_ONCE, n_threads: int = FEW_THREADS
    ) -> Iterator[T]:
        """Yield the result of a function for every image file in order, several at a time.

        Decoding releases Python's lock. What is held of an archive is bounded, and so is the number of threads,
        because the memory of a large image stays with the thread that decoded it.
        """
        pending: deque[tuple[Future[T], int]] = deque()
        held = 0
        with ThreadPoolExecutor(n_threads) as pool:
            try:
                for at, (name, content) in enumerate(self._items()):
                    n_bytes = len(content) if isinstance(content, bytes) else 0
                    pending.append((pool.submit(work, at, name, content), n_bytes))
                    held += n_bytes
                    while len(pending) >= window or held > WORKING:
                        future, n_bytes = pending.popleft()
                        yield future.result()
                        held -= n_bytes
                        if not pending:
                            break
                while pending:
                    yield pending.popleft()[0].result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _items(self) -> Iterator[tuple[str, Content]]:
        path = self.params.path
        if path.is_dir():
            names = ((file.relative_to(path).as_posix(), file) for file in self._listing.files)
            yield from ((name, file) for name, file in names if is_image(name))
        else:
            self._others, self._links = [], []
            yield from read_members(path, self._is_wanted, bound=self.bound, passed=self._links)

    def _is_wanted(self, name: str) -> bool:
        wanted = is_image(name)
        if not wanted:
            self._others.append(name)
        return wanted

    def _title(self, name: str) -> str:
        return f"{self.params.path}/{name}"

    # One file

    def _examined(self, at: int, name: str, content: Content) -> ImageFile | Undecodable:
        title, is_checked = self._title(name), self.params.on_broken == "skip"
        try:
            n_pages, heads = image_heads(content, title)
            self._check(heads[0], title, n_pages if self.params.pages == "all" else 1)
            if self.params.pages == "all" and n_pages > 1:
                n_pages, heads = image_heads(content, title, at_most=n_pages)
            for head in heads:
                self._check(head, title)
            ranges: list[Range | None] = [None] * len(heads)
            with self._budget.taken(PER_PIXEL * max(head.n_pixels for head in heads)):
                if any(head.is_deep for head in heads):
                    found = image_range(content, title, n_pages=len(heads))
                    ranges = [each if head.is_deep else None for each, head in zip(found, heads, strict=True)]
                elif is_checked:
                    for _ in open_pages(content, title, n_pages=len(heads), whites=[None] * len(heads)):
                        pass
        except Undecodable as error:
            if is_checked:
                return error
            raise _with_hint(error) from error
        return ImageFile(at, name, n_pages, heads, ranges)

    def _check(self, head: ImageHead, title: str, n_pages: int = 1) -> None:
        self.bound.check(n_pages * head.n_pixels * head.shape[0], f"the pixels of {title}")

    def _kind(self, at: int, name: str, content: Content) -> str:
        """Return ``grey``, ``grey in colour`` or ``colour``; nothing of a broken file, which is reported elsewhere."""
        title = self._title(name)
        try:
            n_pages, heads = image_heads(content, title)
            n_read = n_pages if self.params.pages == "all" else 1
            self._check(heads[0], title, n_read)
            if n_read > 1:
                _, heads = image_heads(content, title, at_most=n_read)
            if all(head.shape[0] == 1 for head in heads):
                return "grey"
            with self._budget.taken(PER_PIXEL * heads[0].n_pixels):
                for page in open_pages(content, title, 3, n_pages=n_read, whites=[None] * n_read):
                    red, green, blue = image_array(page)
                    if not (np.array_equal(red, green) and np.array_equal(red, blue)):
                        return "colour"
        except TooLarge:
            raise
        except DataError:
            return ""
        return "grey in colour"

    # What is not read

    def _broken_links(self) -> list[str]:
        """Return what is lost by links that lead nowhere, or refuse it."""
        path = self.params.path
        lost = [each for each in self._listing.broken if self._is_lost(each)]
        found = [f"{each} is a link to {str(each.readlink())!r}, where there is nothing" for each in lost]
        if found and self.params.on_broken == "refuse":
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise DataError(
                f"{found[0]}{more}; put {path.name}'s files back or remove the link, or leave out what is broken with "
                "'-s data.on_broken=skip'"
            )
        return found

    @staticmethod
    def _is_lost(link: Path) -> bool:
        # Without an ending it could have been a folder of images.
        return is_image(link.name) or not link.suffix

    def _left_out(self) -> Iterator[str]:
        path, listing = self.params.path, self._listing
        others = [*self._others, *(each.relative_to(path).as_posix() for each in listing.files)]
        others = [name for name in others if not is_image(name)]
        hidden = [name for name in others if any(map(is_hidden, PurePosixPath(name).parts))]
        n_hidden = len(hidden) + len(listing.hidden)
        endings = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in set(others) - set(hidden))
        if endings:
            some = ", ".join(f"{n:,} of {ending}" for ending, n in endings.most_common(5))
            yield f"left out: {sum(endings.values()):,} files that are no images by their ending ({some})"
        if n_hidden:
            yield f"left out: {n_hidden:,} hidden files or folders"
        if links := [name for name in self._links if is_image(name) or not PurePosixPath(name).suffix]:
            yield f"left out: {len(links):,} links in the archive, such as {links[0]}; pack the files instead of links"
        if listing.repeated:
            first = listing.repeated[0].relative_to(path)
            yield (
                f"left out: {len(listing.repeated):,} links to folders that are read already, or that hold this one, "
                f"such as {first}"
            )
        if nowhere := [each for each in listing.broken if not self._is_lost(each)]:
            yield f"left out: {len(nowhere):,} links that lead nowhere, such as {nowhere[0].relative_to(path)}"
        if special := [each for each in listing.special if is_image(each.name)]:
            yield f"left out: {len(special):,} pipes, sockets or devices, such as {special[0].relative_to(path)}"

    def _of_pages(self, files: Sequence[ImageFile]) -> Iterator[str]:
        if several := [file for file in files if file.n_pages > 1]:
            total = sum(file.n_pages for file in several)
            read = (
                "each is an image of its own"
                if self.params.pages == "all"
                else "the first of each file is read; '-s data.pages=all' reads them all"
            )
            yield (
                f"{len(several):,} files hold several pages or frames, {total:,} together, such as {several[0].name}: "
                f"{read}"
            )


def is_image(name: str) -> bool:
    """Return whether a path names an image by its ending, and is not hidden."""
    # Operating systems hide thumbnails in archives.
    return name.lower().endswith(IMAGE_ENDINGS) and not any(map(is_hidden, PurePosixPath(name).parts))


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive by its ending."""
    return path.name.lower().endswith(ARCHIVE_ENDINGS)


def _of_broken(broken: Sequence[str], n_read: int) -> Iterator[str]:
    if broken:
        first = broken[0].removesuffix("; replace or remove it")
        yield f"{len(broken):,} of {len(broken) + n_read:,} files were skipped because they are broken: {first}" + (
            ", and others" if len(broken) > 1 else ""
        )


def _with_hint(error: Undecodable) -> DataError:
    return DataError(f"{error}, or leave out what is broken with '-s data.on_broken=skip'")
