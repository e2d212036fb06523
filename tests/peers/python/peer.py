"""What the checks share: connected clients, boxes, the control of the network."""
import asyncio
import hashlib
import os
import pathlib
import sys

from katzenpost_thinclient import Config, ThinClient

CONFIG = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
INDEX_AT = 32  # of the first index in a read capability


def expect_equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r:.200}, expected {wanted!r:.200}")


async def expect_error(kind, awaitable, text=""):
    try:
        await awaitable
    except kind as error:
        if text not in str(error):
            raise AssertionError(f"expected {text!r} in {error!r}") from error
        return error
    raise AssertionError(f"{kind.__name__} did not come")


async def network(command):
    print("@" + command, flush=True)
    loop = asyncio.get_running_loop()
    if not await loop.run_in_executor(None, sys.stdin.readline):
        raise RuntimeError("nobody controls the network any more")


class Connection:
    """A started client and everything that it was told. `async with` closes it."""

    def __init__(self, token=None):
        self.events = {name: asyncio.Queue() for name in
                       ("connection_status", "new_pki_document", "message_sent", "message_reply",
                        "daemon_disconnected")}

        def collect(queue):
            async def callback(event):
                queue.put_nowait(event)
            return callback
        self.client = ThinClient(Config(CONFIG, **{
            f"on_{name}": collect(queue) for name, queue in self.events.items()}))
        if token:
            self.client.instance_token = token

    async def event(self, name):
        return await self.events[name].get()

    async def __aenter__(self):
        await self.client.start(asyncio.get_running_loop())
        return self

    async def __aexit__(self, *_):
        self.client.stop()
        # Until its task has ended the client may take another socket of this number for its own.
        await asyncio.gather(self.client.task, return_exceptions=True)

    async def channel(self, seed=None):
        return await self.client.new_keypair(seed or os.urandom(32))

    async def settled(self):
        """Everything sent before has been taken by the daemon: requests are read in order."""
        await self.client.new_keypair(bytes(32))

    async def start(self, envelope, **options):
        arguments = {"read_cap": None, "write_cap": None, "message_box_index": None, **options}
        return await self.client.start_resending_encrypted_message(
            reply_index=0, envelope_descriptor=envelope.envelope_descriptor,
            message_ciphertext=envelope.message_ciphertext,
            envelope_hash=envelope.envelope_hash, **arguments)

    async def write(self, cap, index, content, **options):
        """Writes one box; returns the next index."""
        envelope = await self.client.encrypt_write(content, cap, index)
        await self.start(envelope, write_cap=cap, **options)
        return envelope.next_message_box_index

    async def read(self, cap, index, **options):
        """Reads one box; returns what is in it and the next index."""
        envelope = await self.client.encrypt_read(cap, index)
        result = await self.start(envelope, read_cap=cap, message_box_index=index, **options)
        return result.plaintext, envelope.next_message_box_index

    async def wait_for_box(self, cap, index):
        """A task that reads a box when it comes; the daemon has taken its request."""
        envelope = await self.client.encrypt_read(cap, index)
        task = asyncio.create_task(self.start(envelope, read_cap=cap, message_box_index=index))
        await self.settled()
        return task

    async def read_boxes(self, channel, count):
        contents, index = [], channel.first_message_index
        for _ in range(count):
            content, index = await self.read(channel.read_cap, index)
            contents.append(content)
        return contents

    async def write_boxes(self, cap, index, contents):
        for content in contents:
            index = await self.write(cap, index, content)
        return index

    async def start_copy(self, elements):
        """A task in which a courier executes the elements; the daemon has taken its request."""
        temporary = await self.channel()
        await self.write_boxes(temporary.write_cap, temporary.first_message_index, elements)
        courier = self.client.get_service("courier").to_destination()
        task = asyncio.create_task(
            self.client.start_resending_copy_command(temporary.write_cap, *courier))
        await self.settled()
        return task

    async def copy(self, elements):
        await (await self.start_copy(elements))

    @property
    def max_payload(self):
        return self.client.pigeonhole_geometry.max_plaintext_payload_length


def payload_of(name, size):
    return hashlib.shake_256(name.encode()).digest(size)


def pieces(payload, size):
    return [payload[i:i + size] for i in range(0, len(payload), size)]
