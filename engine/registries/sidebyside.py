"""Does several things at once, a few at a time.

Loading concurrent.futures takes longer than asking a registry whether anything has changed.
"""

import threading
from collections.abc import Callable, Iterable


def side_by_side(jobs: Iterable[Callable[[], object]], most: int, stop: Callable[[], None] = lambda: None) -> None:
    """Does all jobs, at most so many at a time.

    Once one fails no other is begun, `stop` is called to end those under way, and the error is raised.
    """
    all_jobs = tuple(jobs)
    pending = iter(all_jobs)
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        while True:
            with lock:
                job = None if failures else next(pending, None)
            if job is None:
                return
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - raised below
                with lock:
                    failures.append(error)
                stop()

    threads = [threading.Thread(target=work) for _ in range(min(most, len(all_jobs)) - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
