"""Checks that leave the network alone. Each has clients of its own."""
import asyncio
import hashlib
import json
import sys

import cbor2
from katzenpost_thinclient import (BoxAlreadyExistsError, BoxIDNotFoundError,
                                   CopyCommandFailedError, DatabaseFailureError,
                                   StartResendingCancelledError, TombstoneError)

from peer import (CONFIG, INDEX_AT, ROOT, Connection, expect_equal, expect_error, payload_of,
                  pieces)

ALL = []


def check(function):
    ALL.append(function)
    return function


# ---- connecting, events, services ---------------------------------------------------------------

@check
async def connect_and_events():
    connection = Connection()
    async with connection:
        status = await connection.event("connection_status")
        expect_equal(status["is_connected"], True, "is_connected")
        expect_equal(status["err"], None, "err")
        expect_equal(len(status["instance_token"]), 16, "the instance token's length")
        expect_equal(connection.client.is_connected(), True, "is_connected()")
        document = cbor2.loads((await connection.event("new_pki_document"))["payload"])
        expect_equal(document, connection.client.pki_document(), "the document")
        expect_equal(connection.client.pki_document_for_epoch(document["Epoch"]), document,
                     "the document of its epoch")
        expect_equal(len(document["StorageReplicas"]), 5, "the number of replicas")
        geometry = connection.client.pigeonhole_geometry
        geometry.validate()
        expect_equal(geometry.max_plaintext_payload_length, 1549, "the payload of a box")
        expect_equal(geometry.courier_query_read_length, geometry.courier_query_write_length,
                     "the lengths of queries")
        expect_equal(connection.client.geometry.UserForwardPayloadLength, 2000,
                     "the payload of a packet")


@check
async def discover_services():
    async with Connection() as connection:
        for capability, endpoint in (("echo", b"+echo"), ("courier", b"courier")):
            services = connection.client.get_services(capability)
            destinations = {service.to_destination() for service in services}
            expect_equal(len(destinations), 3, f"the {capability} services")
            expect_equal({queue for _, queue in destinations}, {endpoint}, "their queues")
            if connection.client.get_service(capability).to_destination() not in destinations:
                raise AssertionError("a service that is not in the document")


@check
async def send_to_a_service():
    async with Connection() as connection:
        client = connection.client
        for size in (1, 2000):
            payload = payload_of("echo", size)
            echo = client.get_service("echo").to_destination()
            reply = await client.blocking_send_message(payload, *echo)
            padded = payload + bytes(client.geometry.ForwardPayloadLength - size)
            expect_equal(reply, padded, f"the echo of {size} bytes")
        surb_id = client.new_surb_id()
        await client.send_message(surb_id, "text", *client.get_service("echo").to_destination())
        sent = [await connection.event("message_sent") for _ in range(3)][-1]
        expect_equal(sent["surbid"], surb_id, "the surbid of message_sent_event")
        expect_equal(sent.get("err"), None, "its error")
        reply = [await connection.event("message_reply") for _ in range(3)][-1]
        expect_equal(reply["surbid"], surb_id, "the surbid of message_reply_event")
        expect_equal(reply["error_code"], 0, "its code")
        expect_equal(bytes(reply["payload"]).rstrip(b"\0"), b"text", "its payload")


@check
async def send_what_fails():
    async with Connection() as connection:
        client = connection.client
        node, queue = client.get_service("echo").to_destination()
        for destination, payload in (((bytes(32), queue), b"x"), ((node, b"+nobody"), b"x"),
                                     ((node, queue), bytes(2001))):
            await client.send_message(client.new_surb_id(), payload, *destination)
            sent = await connection.event("message_sent")
            if not sent.get("err"):
                raise AssertionError("no error for a message that can't be sent")
        await client.send_message_without_reply(b"nobody answers", node, queue)
        await connection.settled()
        expect_equal(connection.events["message_reply"].empty(), True, "no reply came")


# ---- keys and indices ---------------------------------------------------------------------------

@check
async def create_a_channel():
    vectors = ROOT / "tests" / "vectors" / "bacap" / "from_seed.json"
    cases = json.loads(vectors.read_text())["cases"]
    async with Connection() as connection:
        for case in cases:
            channel = await connection.channel(bytes.fromhex(case["seed"]))
            expect_equal(channel.write_cap.hex(), case["write_cap"], case["name"])
            expect_equal(channel.read_cap.hex(), case["read_cap"], case["name"])
            expect_equal(channel.first_message_index, channel.read_cap[INDEX_AT:], case["name"])
        one, other = await connection.channel(), await connection.channel()
        expect_equal(one.write_cap != other.write_cap, True, "other seed, other keys")


@check
async def next_index_and_counter():
    async with Connection() as connection:
        client = connection.client
        channel = await connection.channel()
        index = channel.first_message_index
        counter = int.from_bytes(index[:8], "little")
        envelope = await client.encrypt_read(channel.read_cap, index)
        for _ in range(5):
            expect_equal(await client.get_message_box_index_counter(index), counter, "counter")
            index = await client.next_message_box_index(index)
            counter += 1
            if _ == 0:
                expect_equal(envelope.next_message_box_index, index, "the next index")


# ---- boxes --------------------------------------------------------------------------------------

@check
async def write_and_read():
    async with Connection() as writer, Connection() as reader:
        contents = [payload_of("box", size) for size in (1, 100, writer.max_payload)]
        channel = await writer.channel()
        end = await writer.write_boxes(channel.write_cap, channel.first_message_index, contents)
        expect_equal(await reader.read_boxes(channel, len(contents)), contents, "the boxes")
        too_long = writer.client.encrypt_write(bytes(writer.max_payload + 1), channel.write_cap,
                                               end)
        await expect_error(Exception, too_long, "Invalid request")


@check
async def many_boxes_at_once():
    async with Connection() as connection:
        channel = await connection.channel()
        indices = [channel.first_message_index]
        for _ in range(99):
            indices.append(await connection.client.next_message_box_index(indices[-1]))
        await asyncio.gather(*(connection.write(channel.write_cap, index, payload_of("many", 1 + i))
                               for i, index in enumerate(indices)))
        read = await asyncio.gather(*(connection.read(channel.read_cap, index)
                                      for index in indices))
        expect_equal([content for content, _ in read],
                     [payload_of("many", 1 + i) for i in range(100)], "the boxes")


@check
async def write_once():
    async with Connection() as connection:
        channel = await connection.channel()
        cap, index = channel.write_cap, channel.first_message_index
        confirmed = {"no_idempotent_box_already_exists": True}
        await connection.write(cap, index, b"first", **confirmed)
        await connection.write(cap, index, b"first", **confirmed)
        await expect_error(BoxAlreadyExistsError,
                           connection.write(cap, index, b"second", **confirmed))
        await connection.write(cap, index, b"third")
        expect_equal((await connection.read(channel.read_cap, index))[0], b"first", "the box")


@check
async def read_before_write():
    async with Connection() as reader, Connection() as writer:
        channel = await reader.channel()
        index = channel.first_message_index
        await expect_error(BoxIDNotFoundError,
                           reader.read(channel.read_cap, index, no_retry_on_box_id_not_found=True))
        waiting = await reader.wait_for_box(channel.read_cap, index)
        await writer.write(channel.write_cap, index, b"at last")
        expect_equal((await waiting).plaintext, b"at last", "the box")


@check
async def tombstones():
    async with Connection() as connection:
        channel = await connection.channel()
        await connection.write_boxes(channel.write_cap, channel.first_message_index,
                                     [b"one", b"two", b"three"])
        result = await connection.client.tombstone_range(channel.write_cap,
                                                         channel.first_message_index, 2)
        expect_equal(len(result.envelopes), 2, "the envelopes")
        for envelope in result.envelopes:
            await connection.start(envelope, write_cap=channel.write_cap,
                                   no_idempotent_box_already_exists=True)
            await expect_error(TombstoneError,
                               connection.read(channel.read_cap, envelope.box_index))
        expect_equal((await connection.read(channel.read_cap, result.next))[0], b"three",
                     "the box behind the tombstones")


@check
async def cancel_a_read():
    async with Connection() as connection:
        channel = await connection.channel()
        index = channel.first_message_index
        envelope = await connection.client.encrypt_read(channel.read_cap, index)
        waiting = asyncio.create_task(connection.start(envelope, read_cap=channel.read_cap,
                                                       message_box_index=index))
        await connection.settled()
        await connection.client.cancel_resending_encrypted_message(envelope.envelope_hash)
        await expect_error(StartResendingCancelledError, waiting)
        # Nothing to cancel is no error; and the same envelope can be started again.
        await connection.client.cancel_resending_encrypted_message(envelope.envelope_hash)
        await connection.write(channel.write_cap, index, b"written later")
        result = await connection.start(envelope, read_cap=channel.read_cap,
                                        message_box_index=index)
        expect_equal(result.plaintext, b"written later", "the box")
        couriers = {service.to_destination()
                    for service in connection.client.get_services("courier")}
        expect_equal((result.courier_identity_hash, result.courier_queue_id) in couriers, True,
                     "the courier")


# ---- copy streams -------------------------------------------------------------------------------

@check
async def one_channel_atomically():
    async with Connection() as connection:
        channel = await connection.channel()
        payload = payload_of("single", 20_000)
        built = await connection.client.create_courier_envelopes_from_payload(
            payload, channel.write_cap, channel.first_message_index, True, True)
        await connection.copy(built.envelopes)
        contents = pieces(payload, connection.max_payload - 4)
        expect_equal(await connection.read_boxes(channel, len(contents)), contents, "the boxes")
        after = channel.first_message_index
        for _ in contents:
            after = await connection.client.next_message_box_index(after)
        expect_equal(built.next_dest_index, after, "the next index")
        await expect_error(BoxIDNotFoundError, connection.read(
            channel.read_cap, after, no_retry_on_box_id_not_found=True))


@check
async def several_channels_atomically():
    async with Connection() as connection:
        channels = [await connection.channel() for _ in range(3)]
        payloads = [payload_of(f"multi {i}", size) for i, size in enumerate((1, 1545, 5000))]
        built = await connection.client.create_courier_envelopes_from_multi_payload(
            [{"payload": payload, "write_cap": channel.write_cap,
              "start_index": channel.first_message_index}
             for channel, payload in zip(channels, payloads)], True, True)
        await connection.copy(built.envelopes)
        for channel, payload, after in zip(channels, payloads, built.next_dest_indices):
            contents = pieces(payload, connection.max_payload - 4)
            expect_equal(await connection.read_boxes(channel, len(contents)), contents, "a channel")
            await connection.write(channel.write_cap, after, b"next",
                                   no_idempotent_box_already_exists=True)


@check
async def several_calls_and_clients():
    """The buffer of one call goes into the next, which another client makes."""
    async with Connection() as first:
        channels = [await first.channel() for _ in range(3)]
    payloads = [payload_of(f"call {i}", size) for i, size in enumerate((700, 4000, 1))]
    elements, buffer = [], None
    for i, (channel, payload) in enumerate(zip(channels, payloads)):
        async with Connection() as connection:
            built = await connection.client.create_courier_envelopes_from_multi_payload(
                [{"payload": payload, "write_cap": channel.write_cap,
                  "start_index": channel.first_message_index}], i == 0, i == 2, buffer)
            elements += built.envelopes or []
            buffer = built.buffer
    expect_equal(buffer, None, "the buffer after the last call")
    async with Connection() as connection:
        await connection.copy(elements)
        for channel, payload in zip(channels, payloads):
            contents = pieces(payload, connection.max_payload - 4)
            expect_equal(await connection.read_boxes(channel, len(contents)), contents, "a channel")


@check
async def tombstones_by_copy_stream():
    async with Connection() as connection:
        channel = await connection.channel()
        await connection.write_boxes(channel.write_cap, channel.first_message_index,
                                     [payload_of("doomed", 10)] * 4 + [b"kept"])
        first = await connection.client.create_courier_envelopes_from_tombstone_range(
            channel.write_cap, channel.first_message_index, 3, True, False)
        last = await connection.client.create_courier_envelopes_from_tombstone_range(
            channel.write_cap, first.next_dest_index, 1, False, True, first.buffer)
        await connection.copy((first.envelopes or []) + last.envelopes)
        index = channel.first_message_index
        for _ in range(4):
            await expect_error(TombstoneError, connection.read(channel.read_cap, index))
            index = await connection.client.next_message_box_index(index)
        expect_equal(last.next_dest_index, index, "the next index")
        expect_equal((await connection.read(channel.read_cap, index))[0], b"kept", "the last box")


@check
async def copy_that_fails():
    async with Connection() as connection:
        channel = await connection.channel()
        index = channel.first_message_index
        taken = await connection.client.next_message_box_index(index)
        await connection.write(channel.write_cap, taken, b"taken",
                               no_idempotent_box_already_exists=True)
        built = await connection.client.create_courier_envelopes_from_payload(
            payload_of("refused", 3000), channel.write_cap, index, True, True)
        error = await expect_error(CopyCommandFailedError, connection.copy(built.envelopes))
        expect_equal((error.replica_error_code, error.failed_envelope_index), (10, 2),
                     "the replica's code and the envelope")


@check
async def cancel_a_copy():
    async with Connection() as connection:
        never_written = (await connection.channel()).write_cap
        waiting = asyncio.create_task(
            connection.client.start_resending_copy_command(never_written))
        await connection.settled()
        await connection.client.cancel_resending_copy_command(
            hashlib.blake2b(never_written, digest_size=32).digest())
        await expect_error(StartResendingCancelledError, waiting)


@check
async def the_largest_payload():
    async with Connection() as connection:
        channel = await connection.channel()
        build = connection.client.create_courier_envelopes_from_payload
        largest = 10 * 1024 * 1024
        built = await build(bytes(largest), channel.write_cap, channel.first_message_index, True,
                            True)
        boxes = -(-largest // (connection.max_payload - 4))
        expect_equal(max(map(len, built.envelopes)), connection.max_payload, "the longest element")
        expect_equal(len(built.envelopes) > boxes, True, "more elements than boxes")
        await expect_error(Exception, build(bytes(largest + 1), channel.write_cap,
                                            channel.first_message_index, True, True),
                           "Invalid request")


@check
async def an_empty_payload():
    async with Connection() as connection:
        channel = await connection.channel()
        built = await connection.client.create_courier_envelopes_from_payload(
            b"", channel.write_cap, channel.first_message_index, True, True)
        expect_equal(built.envelopes or [], [], "the elements")
        expect_equal(built.next_dest_index, channel.first_message_index, "the next index")


# ---- requests that can't be met ---------------------------------------------------------------

@check
async def refused_requests():
    """Each costs its caller an error, and nobody the connection."""
    async with Connection() as connection:
        client = connection.client
        channel = await connection.channel()
        cap, index = channel.write_cap, channel.first_message_index
        made = await client.encrypt_read(channel.read_cap, index)
        parts = (made.envelope_descriptor, made.message_ciphertext, made.envelope_hash)
        start, build = (client.start_resending_encrypted_message,
                        client.create_courier_envelopes_from_payload)
        malformed = [
            client.encrypt_read(b"", index),
            client.encrypt_read(channel.read_cap, index[1:]),
            client.encrypt_write("text", cap, index),
            client.encrypt_write(None, cap, index),
            client.encrypt_write(b"x", cap + b"x", index),
            client.next_message_box_index(b"x"),
            client.get_message_box_index_counter(None),
            client.create_courier_envelopes_from_multi_payload([], True, True),
            client.create_courier_envelopes_from_tombstone_range(cap, index, -1, True, True),
            client.create_courier_envelopes_from_tombstone_range(cap, index, 1 << 32, True, True),
            build(b"x", None, index, True, True),
            build(b"x", cap, index, 1, True),
            client.cancel_resending_encrypted_message(b"short"),
            client.voucher_mint(cap[1:], "name"),
            client.voucher_mint(cap, b"name"),
            client.voucher_derive_stream(b"short"),
        ]
        for request in malformed:
            await expect_error(Exception, request, "Invalid request")
        both = start(channel.read_cap, cap, index, None, *parts)
        neither = start(None, None, index, None, *parts)
        for request in (both, neither, start(channel.read_cap, None, None, None, *parts),
                        start(channel.read_cap, None, b"short", None, *parts),
                        start(channel.read_cap, None, index, None, b"", *parts[1:]),
                        client.start_resending_copy_command(b"short")):
            await expect_error(Exception, request)
        too_much = client.create_courier_envelopes_from_tombstone_range(cap, index, 30_000, True,
                                                                        True)
        await expect_error(Exception, too_much, "too large")
        unknown_courier = client.start_resending_copy_command(cap, bytes(32), b"courier")
        await expect_error(DatabaseFailureError, unknown_courier)
        expect_equal(connection.events["daemon_disconnected"].empty(), True, "still connected")
        await connection.write(cap, index, b"as if nothing had happened")


# ---- the document -------------------------------------------------------------------------------

@check
async def document_and_authorities():
    async with Connection() as connection:
        client = connection.client
        payload, epoch = await client.get_pki_document_raw()
        certificate = cbor2.loads(payload)
        document = cbor2.loads(certificate["Certified"])
        expect_equal(document["Epoch"], epoch, "the epoch")
        expect_equal(document, client.pki_document_for_epoch(epoch), "the document")
        authorities = await client.get_directory_authorities()
        expect_equal(len(authorities), 3, "the authorities")
        expect_equal({authority["identity_key_hash"] for authority in authorities},
                     set(certificate["Signatures"]), "who has signed")
        # The daemon has the documents before and after; one of them, if an epoch has just begun.
        known = 0
        for other in (epoch - 1, epoch + 1, epoch + 2):
            try:
                payload, got = await client.get_pki_document_raw(other)
            except Exception:
                continue
            certified = cbor2.loads(cbor2.loads(payload)["Certified"])
            expect_equal((got, certified["Epoch"]), (other, other), "another epoch")
            known += 1
        expect_equal(known >= 2, True, "two other documents")
        await expect_error(Exception, client.get_pki_document_raw(1), "unavailable")


@check
async def example_of_the_documentation():
    """Runs the program in docs/localnet.md, and compares what it prints with what stands there."""
    page = (ROOT / "docs" / "localnet.md").read_text()
    program = page.split("```python\n")[1].split("```")[0]
    printed = page.split("example.py thinclient.toml\n")[1].split("```")[0]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, CONFIG, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    expect_equal((process.returncode, output.decode()), (0, printed), "the example")


# ---- vouchers -----------------------------------------------------------------------------------

@check
async def vouchers():
    async with Connection() as joiner, Connection() as inviter:
        own = await joiner.channel()
        minted = await joiner.client.voucher_mint(own.write_cap, "Zoë")
        first = minted.voucher_read_cap[INDEX_AT:]
        second = await joiner.write(minted.voucher_write_cap, first, minted.voucher_payload)

        stream = await inviter.client.voucher_derive_stream(minted.voucher)
        expect_equal(stream.voucher_write_cap, minted.voucher_write_cap, "the write capability")
        expect_equal(stream.voucher_read_cap, minted.voucher_read_cap, "the read capability")
        payload, _ = await inviter.read(stream.voucher_read_cap, first)
        expect_equal(payload, minted.voucher_payload, "the payload")
        inducted = await inviter.client.voucher_induct(minted.voucher, payload, b"who is here")
        expect_equal(inducted.display_name, "Zoë", "the name")
        await inviter.write(stream.voucher_write_cap, second, inducted.sealed_reply)

        sealed, _ = await joiner.read(minted.voucher_read_cap, second)
        opened = await joiner.client.voucher_open(minted.voucher_secret_key, sealed, own.write_cap)
        expect_equal((opened.who_reply, opened.salt), (b"who is here", inducted.salt), "the reply")
        live = opened.mutated_message_write_cap
        index = inducted.mutated_message_read_cap[INDEX_AT:]
        await joiner.write(live, index, b"hello everybody")
        expect_equal((await inviter.read(inducted.mutated_message_read_cap, index))[0],
                     b"hello everybody", "the first message")

        induct, mint = inviter.client.voucher_induct, inviter.client.voucher_mint
        await expect_error(Exception, induct(bytes(32), payload, b""), "hash")
        await expect_error(Exception, mint(b"no capability", "x"), "Invalid request")
        other = await mint(own.write_cap, "x")
        await expect_error(Exception, joiner.client.voucher_open(
            other.voucher_secret_key, sealed, own.write_cap), "seal")
