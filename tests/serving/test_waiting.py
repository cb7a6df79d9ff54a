import asyncio
import threading

from serving import waiting


def test_work_that_writes_never_keeps_work_that_reads_waiting() -> None:
    over = threading.Event()

    async def ask() -> str:
        stuck = [asyncio.create_task(waiting.write(over.wait, 30)) for _ in range(3 * waiting.WRITERS)]
        await asyncio.sleep(0)
        read = await asyncio.wait_for(waiting.read(str, "read"), 5)
        over.set()
        assert all(await asyncio.gather(*stuck))
        return read

    assert asyncio.run(ask()) == "read"
