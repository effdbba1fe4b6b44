"""When what is due: a heap of moments, so that 5,000 jobs in flight cost a heap and not 5,000 tasks."""

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")
#: Leftovers below this number are not worth a clean-up.
FEW = 256


class Entry(Generic[T]):
    """One thing at one moment. Cancelled entries are passed over."""

    __slots__ = ("at", "cancelled", "taken", "thing")

    def __init__(self, at: float, thing: T) -> None:
        """Made by `Timetable.add`."""
        self.at = at
        self.thing = thing
        self.cancelled = False
        self.taken = False

    def __lt__(self, other: "Entry[T]") -> bool:
        return self.at < other.at


class Timetable(Generic[T]):
    """Things by the moment they are due."""

    def __init__(self) -> None:
        """Begin empty."""
        self._heap: list[Entry[T]] = []
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def add(self, at: float, thing: T) -> Entry[T]:
        """Put a thing in; `cancel` takes it out by its entry."""
        entry = Entry(at, thing)
        heapq.heappush(self._heap, entry)
        return entry

    def cancel(self, entry: Entry[T]) -> None:
        """Take a thing out. When most of the heap is such leftovers, it is built anew without them."""
        if entry.cancelled or entry.taken:
            return
        entry.cancelled = True
        self._cancelled += 1
        if self._cancelled > FEW and self._cancelled * 2 > len(self._heap):
            self._heap = [each for each in self._heap if not each.cancelled]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def due(self, now: float) -> list[T]:
        """Take out what is due, in order."""
        things = []
        while self._heap and (self._heap[0].cancelled or self._heap[0].at <= now):
            entry = heapq.heappop(self._heap)
            entry.taken = True
            if entry.cancelled:
                self._cancelled -= 1
            else:
                things.append(entry.thing)
        return things

    def next_at(self) -> float | None:
        """Return the next moment something is due."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0].at if self._heap else None
