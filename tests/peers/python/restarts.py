"""Checks that cut connections, or kill, stop and start the network."""
import asyncio
import logging
import socket

from peer import Connection, expect_equal, network, payload_of


class Log(logging.Handler):
    """If sessions were resumed, one after the other, which the client says in its log only."""

    def __init__(self):
        super().__init__()
        self.sessions = asyncio.Queue()
        logging.getLogger("thinclient").addHandler(self)

    def emit(self, record):
        text = record.getMessage()
        if text.startswith(("Reconnected to daemon", "Session token reply")):
            self.sessions.put_nowait("resumed=True" in text)

    async def resumed(self):
        return await self.sessions.get()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        logging.getLogger("thinclient").removeHandler(self)


async def session_resume():
    """The connection is cut while a read waits; the client comes back with its token."""
    async with Connection() as reader, Connection() as writer:
        channel = await reader.channel()
        index = channel.first_message_index
        waiting = await reader.wait_for_box(channel.read_cap, index)
        with Log() as log:
            reader.client.socket.shutdown(socket.SHUT_RDWR)
            event = await reader.event("daemon_disconnected")
            expect_equal(event["is_graceful"], False, "graceful")
            await writer.write(channel.write_cap, index, b"while you were away")
            expect_equal((await waiting).plaintext, b"while you were away", "the box")
            expect_equal(await log.resumed(), True, "resumed")


async def session_of_another_client():
    """A new client with the token of one that only disconnected has its session; after an orderly
    end the session is gone."""
    with Log() as log:
        async with Connection() as first:
            token = first.client.instance_token
            channel = await first.channel()
            first.client.disconnect()
        async with Connection(token) as second:
            await second.write(channel.write_cap, channel.first_message_index, b"resumed")
            got = await second.read(channel.read_cap, channel.first_message_index)
            expect_equal(got[0], b"resumed", "the box")
        async with Connection(token):
            expect_equal([await log.resumed() for _ in range(3)], [False, True, False], "resumed")


async def restart(how, is_graceful):
    """What runs is replayed after a restart on the same folder; what was stored is there."""
    async with Connection() as reader, Connection() as writer:
        channel, other = await reader.channel(), await writer.channel()
        contents = [b"before the restart", payload_of("restart", 1549)]
        empty = await writer.write_boxes(channel.write_cap, channel.first_message_index, contents)
        before = (await reader.event("connection_status"))["instance_token"]
        authorities = await writer.client.get_directory_authorities()
        built = await writer.client.create_courier_envelopes_from_payload(
            payload_of("copied", 4000), other.write_cap, other.first_message_index, True, True)
        waiting = await reader.wait_for_box(channel.read_cap, empty)
        copying = await writer.start_copy(built.envelopes)

        await network(how)
        for connection in (reader, writer):
            event = await connection.event("daemon_disconnected")
            expect_equal(event["is_graceful"], is_graceful, "graceful")
            expect_equal(connection.client.is_connected(), False, "is_connected()")
        with Log() as log:
            await network("start")
            expect_equal([await log.resumed() for _ in range(2)], [False, False], "resumed")
        after = (await reader.event("connection_status"))["instance_token"]
        expect_equal(after != before, True, "another instance")

        expect_equal(await reader.read_boxes(channel, 2), contents, "the boxes")
        expect_equal(await writer.client.get_directory_authorities(), authorities, "authorities")
        await writer.write(channel.write_cap, empty, b"after the restart")
        expect_equal((await waiting).plaintext, b"after the restart", "the box that was waited for")
        await copying
        expect_equal(b"".join(await reader.read_boxes(other, 3)), payload_of("copied", 4000),
                     "what was copied")


async def killed_and_started_again():
    await restart("kill", False)


async def stopped_and_started_again():
    await restart("stop", True)


ALL = [session_resume, session_of_another_client, killed_and_started_again,
       stopped_and_started_again]
