"""The same calls with the published Python client. Started by bench/thin_calls.

thin_calls_peer.py THINCLIENT.TOML CALLS
"""
import asyncio
import logging
import sys
import time

from katzenpost_thinclient import Config, ThinClient

AT_A_TIME = 16


async def main():
    logging.disable(logging.CRITICAL)
    config, calls = sys.argv[1], int(sys.argv[2])
    client = ThinClient(Config(config))
    await client.start(asyncio.get_running_loop())
    index = (await client.new_keypair(bytes(32))).first_message_index

    async def ask(count):
        for _ in range(count):
            await client.next_message_box_index(index)

    for way, tasks in (("single", 1), ("sixteen", AT_A_TIME)):
        begin = time.perf_counter()
        await asyncio.gather(*(ask(calls // tasks) for _ in range(tasks)))
        print(way, round(calls / (time.perf_counter() - begin)), flush=True)
    client.stop()


asyncio.run(main())
