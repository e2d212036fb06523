"""Every task of the published how-to, done with the published Python client, unmodified.

Started by tests/peers/run, which says what the lines on standard output mean. Results are compared
byte for byte. The checks that leave the network alone run beside each other, the others afterwards.
"""
import asyncio
import sys
import traceback

import checks
import restarts

LIMIT = 120  # seconds for one check


async def run(function):
    name = function.__name__.replace("_", " ")
    try:
        await asyncio.wait_for(function(), LIMIT)
    except Exception as error:
        traceback.print_exc()
        print(f"FAILED {name}: {type(error).__name__} {error}", flush=True)
        return False
    print(f"ok {name}", flush=True)
    return True


async def main():
    results = await asyncio.gather(*map(run, checks.ALL))
    results += [await run(function) for function in restarts.ALL]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
