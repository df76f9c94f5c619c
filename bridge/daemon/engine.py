"""The one engine behind OSC and HTTP: accepts jobs, runs them one after the other, tells how they go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from bridge.daemon.jobs import CANCELLED, DONE, ENDED, FAILED, QUEUED, RUNNING, Job, JobStore
from bridge.daemon.outcome import Outcome, outcome, takes_seen
from bridge.daemon.process import Worker, WorkerDiedError
from bridge.daemon.tasks import end_all
from emsync_engine.errors import InputError

T = TypeVar("T")
MAX_ATTEMPTS = 3
"""A job during which the worker died this often has failed."""
_RESTART_S = 1.0
"""Between attempts to start a worker that does not start."""
_log = logging.getLogger("emsync.jobs")


class Engine:
    """The queue, its worker and those who want to know. Lives in one event loop.

    The disk is only touched in one thread of its own, so the loop never waits for it.
    """

    def __init__(self, store: JobStore) -> None:
        self.jobs: dict[str, Job] = {j.id: j for j in store.jobs()}
        """Every remembered job as it is now, the oldest first."""
        self.watchers: set[Callable[[Job], None]] = set()
        """Called at every change of a job."""
        self.worker = Worker()
        self._store = store
        self._disk = ThreadPoolExecutor(1, "disk")
        self._wake = asyncio.Event()
        self._ended: dict[str, asyncio.Event] = {}
        self._cancelled: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    # --- life ---

    def start(self) -> None:
        """Begin with the jobs that wait on disk."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Kill the worker; what it was doing waits on disk for the next start."""
        if self._task is not None:
            await end_all([self._task])
        await self.worker.end()
        for job in [j for j in self.jobs.values() if j.state == RUNNING]:  # a clean stop is nobody's failure
            await self._settle(replace(job, attempts=job.attempts - 1), "the daemon was stopped", "daemon_died")
        self._disk.shutdown()
        self._store.close()

    @property
    def failure(self) -> asyncio.Task[None]:
        """Ends only when the engine cannot go on (a full disk, say)."""
        assert self._task is not None
        return self._task

    async def on_disk(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in the thread that owns the store."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)

    # --- requests ---

    async def submit(self, make: Callable[[], Job]) -> Job:
        """Accept the job that ``make`` gives (it may look at the disk), or return the one that has its id.

        Raises:
            InputError: it cannot be accepted.
        """
        job = await self.on_disk(lambda: self._store.add(make()))
        if job.id in self.jobs:
            return self.jobs[job.id]
        if job.state in ENDED:
            return job
        self._change(job)
        self._wake.set()
        return job

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that waits or runs, and return it as it has ended.

        Raises:
            InputError: there is no such job.
        """
        job = self.job(job_id)
        if job.state == RUNNING:
            self._cancelled.add(job_id)
            self.worker.kill()
            return await self.ended(job_id)
        if job.state == QUEUED:
            self.jobs[job_id] = replace(job, state=CANCELLED)  # so that it does not begin meanwhile
            await self._end(job, CANCELLED)
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """Raises:
        InputError: there is no job of this id.
        """
        if job_id not in self.jobs:
            raise InputError(f"there is no job {job_id}", code="no_such_job")
        return self.jobs[job_id]

    async def ended(self, job_id: str, timeout_s: float | None = None) -> Job:
        """The job when it has ended, or as it is after a while."""
        if self.job(job_id).ended is not None:
            return self.job(job_id)
        event = self._ended.setdefault(job_id, asyncio.Event())
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(event.wait(), timeout_s)
        return self.job(job_id)

    async def result(self, job_id: str) -> dict[str, Any] | None:
        """The whole result of a job that is done."""
        return await self.on_disk(self._store.result, job_id)

    # --- the work ---

    async def _run(self) -> None:
        for job in [j for j in self.jobs.values() if j.state == RUNNING]:
            await self._settle(job, "the daemon was stopped while it ran", "daemon_died")
        while True:
            waiting = [j for j in self.jobs.values() if j.state == QUEUED]
            if waiting:
                await self._do(min(waiting, key=lambda j: (j.priority, j.number)))
                continue
            self._wake.clear()
            await self._idle()

    async def _idle(self) -> None:
        """Keep a worker warm until a job comes, or the worker goes."""
        try:
            await self.worker.start()
        except WorkerDiedError as error:
            _log.error("the worker does not start: %s", error)
            await asyncio.sleep(_RESTART_S)
        either: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._wake.wait()),
            asyncio.create_task(self.worker.gone()),
        ]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in either:
                task.cancel()

    async def _do(self, job: Job) -> None:
        self._change(replace(job, state=RUNNING))  # nobody may cancel it as a waiting one from here on
        seen = await self.on_disk(takes_seen, job)
        job = await self.on_disk(self._store.start, job, seen)
        self._change(job)
        if job.id in self._cancelled:
            await self._end(job, CANCELLED)
            return
        try:
            said = await asyncio.wait_for(self._work(job), job.timeout_s)
        except (WorkerDiedError, asyncio.TimeoutError) as error:
            await self.worker.end()
            late = isinstance(error, asyncio.TimeoutError)
            why = f"it took longer than {job.timeout_s:g} s" if late else str(error)
            await self._settle(job, why, "timeout" if late else "worker_died", again=not late)
            return
        if "result" in said:
            await self._end(job, DONE, said["result"])
        else:
            await self._end(job, FAILED, None, said["error"])

    async def _work(self, job: Job) -> Any:
        def progress(done: float, stage: str) -> None:
            self._change(replace(self.jobs[job.id], progress=done, stage=stage))

        if job.id in self._cancelled:
            raise WorkerDiedError("cancelled")
        await self.worker.start()
        if job.id in self._cancelled:  # while the worker was starting
            raise WorkerDiedError("cancelled")
        return await self.worker.work(job.call, job.request, progress)

    async def _settle(self, job: Job, why: str, code: str, *, again: bool = True) -> None:
        """A job was cut off: it is done, cancelled, waits again, or has failed."""
        left: Outcome = await asyncio.to_thread(outcome, job)  # which may have to wait for another emsync
        wanted_away = job.id in self._cancelled
        if left.result is not None:
            await self._end(job, DONE, dict(left.result))
        elif wanted_away:
            await self._end(job, CANCELLED)
        elif left.error is not None:
            await self._end(job, FAILED, None, dict(left.error))
        elif again and job.attempts < MAX_ATTEMPTS:
            _log.warning("job %s waits again: %s", job.id, why)
            self._change(await self.on_disk(self._store.requeue, job))
        else:
            await self._end(job, FAILED, None, {"code": code, "message": why, "where": ""})

    async def _end(
        self, job: Job, state: str, result: dict[str, Any] | None = None, error: dict[str, str] | None = None
    ) -> None:
        ended = await self.on_disk(lambda: self._store.end(job, state, result=result, error=error))
        self._cancelled.discard(job.id)
        self._change(ended)
        for old in await self.on_disk(self._store.forget_old):
            self.jobs.pop(old, None)
            self._ended.pop(old, None)

    def _change(self, job: Job) -> None:
        before = self.jobs.get(job.id)
        self.jobs[job.id] = job
        if before is None or before.state != job.state:
            _log.info("job %s %s %s", job.id, job.call, job.state, extra={"job": job.id, "state": job.state})
        if job.state in ENDED and (event := self._ended.pop(job.id, None)):
            event.set()
        for watcher in tuple(self.watchers):
            watcher(job)
