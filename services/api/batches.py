"""Judge the frames of all streams together.

One call of a model costs about the same for one window as for a hundred. So while a worker thread
is busy, new frames collect, and it then takes them together. A frame never waits for others: a
single frame is judged alone, at once. A stream sends its next
frame only when this one is answered, so no more gather than there are streams.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from numpy.typing import ArrayLike

from stream_pose_ml.classifier import Answer, Prediction, StreamClassifier, push_together

LARGEST = 64  # frames in one call: beyond that it gets no cheaper, and the first would wait longer


@dataclass(frozen=True)
class _Waiting:
    classifier: StreamClassifier
    frame: ArrayLike
    answer: asyncio.Future[Prediction | None]


class Batches:
    """Pushes frames into their streams' classifiers, many at a time."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "classifier")
        self._working: asyncio.Task[None] | None = None

    async def push(self, classifier: StreamClassifier, frame: ArrayLike) -> Prediction | None:
        """Do what `StreamClassifier.push` does, without holding up the event loop."""
        answer: asyncio.Future[Prediction | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(classifier, frame, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        """Judge until no frame waits."""
        while batch := self._next():
            for one, answer in zip(batch, await self._judge(batch), strict=True):
                _tell(one.answer, answer)
        self._working = None

    async def _judge(self, batch: list[_Waiting]) -> Sequence[Answer | Exception]:
        pushes = [(one.classifier, one.frame) for one in batch]
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, push_together, pushes)
        except Exception as error:  # raised again in each stream, so that none waits permanently
            return [error] * len(batch)

    def _next(self) -> list[_Waiting]:
        """Those that have waited longest, of one model; streams that have ended are passed over."""
        batch: list[_Waiting] = []
        others: list[_Waiting] = []
        while self._waiting and len(batch) < LARGEST:
            one = self._waiting.popleft()
            if one.answer.done():
                continue
            same = not batch or one.classifier.model is batch[0].classifier.model
            (batch if same else others).append(one)
        self._waiting.extendleft(reversed(others))
        return batch


def _tell(place: asyncio.Future[Prediction | None], answer: Answer | Exception) -> None:
    if place.done():  # the stream has ended in between
        return
    if isinstance(answer, Exception):
        place.set_exception(answer)
    else:
        place.set_result(answer)
