//! Checks that leave the network alone. Each has clients of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use katzenpost_thin_client::persistent::PigeonholeClient;
use katzenpost_thin_client::{ThinClient, ThinClientError};
use serde_cbor::Value;

use crate::peer::{Map, Outcome, Peer, bytes_of, config, payload_of, text};
use crate::{expect_equal, expect_error};

const INDEX_AT: usize = 32; // of the first index in a read capability

pub async fn connect_and_events() -> Outcome {
    // A request may go out before the client has heard anything.
    let early = ThinClient::new(config()?).await.map_err(|error| error.to_string())?;
    expect_equal!(early.new_keypair(&[7; 32]).await?.read_cap.len(), 136);
    early.stop().await;

    let mut peer = Peer::new().await?;
    let status = peer.status.recv().await.ok_or("no status")?;
    expect_equal!(status.get(&text("is_connected")), Some(&Value::Bool(true)));
    expect_equal!(bytes_of(&status, "instance_token").len(), 16);
    expect_equal!(peer.client.is_connected(), true);
    let event = peer.documents.recv().await.ok_or("no document")?;
    let document: Map = serde_cbor::from_slice(&bytes_of(&event, "payload"))?;
    expect_equal!(peer.client.pki_document().await?, document);
    let geometry = peer.client.pigeonhole_geometry();
    geometry.validate()?;
    expect_equal!(geometry.max_plaintext_payload_length, 1549);
    expect_equal!(peer.client.sphinx_geometry().user_forward_payload_length, 2000);
    peer.client.stop().await;
    Ok(())
}

pub async fn send_to_a_service() -> Outcome {
    let mut peer = Peer::new().await?;
    let mut nodes = BTreeSet::new();
    for service in peer.client.get_services("echo").await? {
        expect_equal!(service.recipient_queue_id, b"+echo");
        nodes.insert(service.to_destination().0);
    }
    expect_equal!(nodes.len(), 3);
    expect_error!(
        peer.client.get_services("no such thing").await,
        ThinClientError::ServiceNotFound
    );

    let (node, queue) = peer.client.get_service("echo").await?.to_destination();
    let payload = payload_of("echo", 2000);
    let limit = Duration::from_secs(60);
    let reply =
        peer.client.blocking_send_message(&payload, node.clone(), queue.clone(), limit).await?;
    let mut padded = payload.clone();
    padded.resize(peer.client.sphinx_geometry().forward_payload_length, 0);
    expect_equal!(reply, padded);
    let sent = peer.sent.recv().await.ok_or("no message_sent_event")?;
    expect_equal!(sent.get(&text("err")), None);

    let surb_id = ThinClient::new_surb_id();
    peer.client.send_message(surb_id.clone(), b"x", vec![0; 32], queue).await?;
    let sent = peer.sent.recv().await.ok_or("no message_sent_event")?;
    expect_equal!(bytes_of(&sent, "surbid"), surb_id);
    expect_equal!(sent.contains_key(&text("err")), true);
    Ok(())
}

pub async fn keys_and_indices() -> Outcome {
    let peer = Peer::new().await?;
    let one = peer.client.new_keypair(&[9; 32]).await?;
    let same = peer.client.new_keypair(&[9; 32]).await?;
    expect_equal!(one.write_cap, same.write_cap);
    expect_equal!(one.write_cap.len(), 168);
    expect_equal!(one.first_message_index, one.read_cap[INDEX_AT..]);
    let index = one.first_message_index;
    let next = peer.client.next_message_box_index(&index).await?;
    let counter = peer.client.get_message_box_index_counter(&index).await?;
    expect_equal!(counter, u64::from_le_bytes(index[..8].try_into()?));
    expect_equal!(peer.client.get_message_box_index_counter(&next).await?, counter + 1);
    Ok(())
}

pub async fn write_and_read() -> Outcome {
    let (writer, reader) = (Peer::new().await?, Peer::new().await?);
    let channel = writer.channel().await?;
    let mut index = channel.first_message_index.clone();
    for size in [1, 100, 1549] {
        let content = payload_of("box", size);
        let next = writer.write(&channel.write_cap, &index, &content).await?;
        expect_equal!(reader.read(&channel.read_cap, &index).await?, content);
        index = next;
    }
    let too_long = writer.client.encrypt_write(&[0; 1550], &channel.write_cap, &index).await;
    expect_error!(too_long, ThinClientError::Other(_));
    Ok(())
}

pub async fn write_once() -> Outcome {
    let peer = Peer::new().await?;
    let channel = peer.channel().await?;
    let index = &channel.first_message_index;
    peer.write(&channel.write_cap, index, b"first").await?;
    peer.write(&channel.write_cap, index, b"first").await?;
    let second = peer.write(&channel.write_cap, index, b"second").await;
    expect_error!(second, ThinClientError::BoxAlreadyExists);
    expect_equal!(peer.read(&channel.read_cap, index).await?, b"first");
    Ok(())
}

pub async fn read_before_write() -> Outcome {
    let (reader, writer) = (Peer::new().await?, Peer::new().await?);
    let channel = reader.channel().await?;
    let index = channel.first_message_index.clone();
    let missing = reader.read(&channel.read_cap, &index).await;
    expect_error!(missing, ThinClientError::BoxNotFound);
    let (waiting, _) = reader.wait_for_box(&channel.read_cap, &index).await?;
    writer.write(&channel.write_cap, &index, b"at last").await?;
    expect_equal!(waiting.await??, b"at last");
    Ok(())
}

pub async fn tombstones() -> Outcome {
    let peer = Peer::new().await?;
    let channel = peer.channel().await?;
    let mut index = channel.first_message_index.clone();
    for content in ["one", "two", "three"] {
        index = peer.write(&channel.write_cap, &index, content.as_bytes()).await?;
    }
    let made =
        peer.client.tombstone_range(&channel.write_cap, &channel.first_message_index, 2).await;
    expect_equal!((made.envelopes.len(), made.error), (2, None));
    for envelope in made.envelopes {
        let hash = envelope.envelope_hash.as_slice().try_into()?;
        peer.client
            .start_resending_encrypted_message_return_box_exists(
                None,
                Some(&channel.write_cap),
                None,
                None,
                &envelope.envelope_descriptor,
                &envelope.message_ciphertext,
                hash,
            )
            .await?;
        let read = peer.read(&channel.read_cap, &envelope.box_index).await;
        expect_error!(read, ThinClientError::Tombstone);
    }
    expect_equal!(peer.read(&channel.read_cap, &made.next).await?, b"three");
    Ok(())
}

pub async fn cancel_a_read() -> Outcome {
    let peer = Peer::new().await?;
    let channel = peer.channel().await?;
    let index = channel.first_message_index.clone();
    let (waiting, hash) = peer.wait_for_box(&channel.read_cap, &index).await?;
    peer.client.cancel_resending_encrypted_message(&hash).await?;
    expect_error!(waiting.await?, ThinClientError::StartResendingCancelled);
    peer.client.cancel_resending_encrypted_message(&hash).await?;
    Ok(())
}

pub async fn channels_with_a_database() -> Outcome {
    let peer = Peer::new().await?;
    let channel = peer.channel().await?;
    let store =
        PigeonholeClient::new_in_memory(peer.client.clone()).map_err(|error| error.to_string())?;
    let first = &channel.first_message_index;
    let mut writer = store.load_write_channel("to", &channel.write_cap, first)?;
    let mut reader = store.load_read_channel("from", &channel.read_cap, first)?;
    for size in [1, 1549] {
        writer.send(&payload_of("message", size)).await?;
        expect_equal!(reader.receive().await?, payload_of("message", size));
    }
    expect_equal!(reader.receive_no_retry().await.is_err(), true);
    Ok(())
}

pub async fn one_channel_atomically() -> Outcome {
    let peer = Peer::new().await?;
    let channel = peer.channel().await?;
    let payload = payload_of("single", 20_000);
    let first = &channel.first_message_index;
    let built = peer
        .client
        .create_courier_envelopes_from_payload(&payload, &channel.write_cap, first, true, true)
        .await?;
    peer.copy(&built.envelopes).await?;
    expect_equal!(peer.read_boxes(&channel, 13).await?, payload);
    let next = built.next_dest_index.ok_or("no next index")?;
    let behind = peer.read(&channel.read_cap, &next).await;
    expect_error!(behind, ThinClientError::BoxNotFound);

    // The same destination again, with other content.
    let other = payload_of("other", 3000);
    let built = peer
        .client
        .create_courier_envelopes_from_payload(&other, &channel.write_cap, first, true, true)
        .await?;
    let failure = peer.copy(&built.envelopes).await.err().ok_or("the copy did not fail")?;
    let expected = "Copy command failed: replica_error_code=10, failed_envelope_index=1";
    expect_equal!(failure.to_string(), expected);
    Ok(())
}

/// Two calls with a buffer between them, by the client's own stream builder.
pub async fn several_channels_atomically() -> Outcome {
    let peer = Peer::new().await?;
    let store =
        PigeonholeClient::new_in_memory(peer.client.clone()).map_err(|error| error.to_string())?;
    let (one, two) = (peer.channel().await?, peer.channel().await?);
    let (small, large) = (payload_of("small", 700), payload_of("large", 5000));
    let mut builder = store.copy_stream_builder().await?;
    for (payload, channel, is_last) in [(&small, &one, false), (&large, &two, true)] {
        let (cap, index) = (&channel.write_cap[..], &channel.first_message_index[..]);
        builder.add_multi_payload(vec![(&payload[..], cap, index)], is_last).await?;
    }
    let (node, queue) = peer.client.get_service("courier").await?.to_destination();
    builder.finish_with_courier(&node, &queue).await?;
    expect_equal!(peer.read_boxes(&one, 1).await?, small);
    expect_equal!(peer.read_boxes(&two, 4).await?, large);
    Ok(())
}

pub async fn tombstones_by_copy_stream() -> Outcome {
    let peer = Peer::new().await?;
    let channel = peer.channel().await?;
    let first = channel.first_message_index.clone();
    let second = peer.write(&channel.write_cap, &first, b"one").await?;
    let third = peer.write(&channel.write_cap, &second, b"two").await?;
    peer.write(&channel.write_cap, &third, b"kept").await?;
    let built = peer
        .client
        .create_courier_envelopes_from_tombstone_range(
            &channel.write_cap,
            &first,
            2,
            true,
            true,
            None,
        )
        .await?;
    expect_equal!(built.next_dest_index.as_ref(), Some(&third));
    peer.copy(&built.envelopes).await?;
    for index in [&first, &second] {
        let read = peer.read(&channel.read_cap, index).await;
        expect_error!(read, ThinClientError::Tombstone);
    }
    expect_equal!(peer.read(&channel.read_cap, &third).await?, b"kept");
    Ok(())
}

pub async fn document_and_authorities() -> Outcome {
    let peer = Peer::new().await?;
    let (payload, epoch) = peer.client.get_pki_document_raw(0).await?;
    let certificate: Map = serde_cbor::from_slice(&payload)?;
    let document: Map = serde_cbor::from_slice(&bytes_of(&certificate, "Certified"))?;
    expect_equal!(peer.client.pki_document_for_epoch(epoch).await?, document);
    let signers: BTreeSet<Vec<u8>> = match certificate.get(&text("Signatures")) {
        Some(Value::Map(signatures)) => signatures
            .keys()
            .filter_map(|key| if let Value::Bytes(hash) = key { Some(hash.clone()) } else { None })
            .collect(),
        _ => BTreeSet::new(),
    };
    let authorities = peer.client.get_directory_authorities().await?;
    let hashes: BTreeSet<Vec<u8>> =
        authorities.iter().map(|authority| authority.identity_key_hash.clone()).collect();
    expect_equal!(hashes.len(), 3);
    expect_equal!(signers, hashes);
    // An error has to reach the caller as that, not as a reply that can't be decoded.
    let old = peer.client.get_pki_document_raw(1).await;
    expect_error!(old, ThinClientError::Other(_));
    Ok(())
}

pub async fn vouchers() -> Outcome {
    let (joiner, inviter) = (Peer::new().await?, Peer::new().await?);
    let own = joiner.channel().await?;
    let minted = joiner.client.voucher_mint(&own.write_cap, "Zoë").await?;
    let first = minted.voucher_read_cap[INDEX_AT..].to_vec();
    let second = joiner.write(&minted.voucher_write_cap, &first, &minted.voucher_payload).await?;

    let stream = inviter.client.voucher_derive_stream(&minted.voucher).await?;
    expect_equal!(stream.voucher_write_cap, minted.voucher_write_cap);
    let payload = inviter.read(&stream.voucher_read_cap, &first).await?;
    let inducted = inviter.client.voucher_induct(&minted.voucher, &payload, b"who").await?;
    expect_equal!(inducted.display_name, "Zoë");
    inviter.write(&stream.voucher_write_cap, &second, &inducted.sealed_reply).await?;

    let sealed = joiner.read(&minted.voucher_read_cap, &second).await?;
    let opened =
        joiner.client.voucher_open(&minted.voucher_secret_key, &sealed, &own.write_cap).await?;
    expect_equal!((opened.who_reply, opened.salt), (b"who".to_vec(), inducted.salt));
    let index = &inducted.mutated_message_read_cap[INDEX_AT..];
    joiner.write(&opened.mutated_message_write_cap, index, b"hello").await?;
    expect_equal!(inviter.read(&inducted.mutated_message_read_cap, index).await?, b"hello");

    let wrong = inviter.client.voucher_induct(&[0; 32], &payload, b"").await;
    expect_error!(wrong, ThinClientError::VoucherHashMismatch);
    Ok(())
}
