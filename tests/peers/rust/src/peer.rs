//! What the checks share: connected clients, boxes, the control of the network.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use katzenpost_thin_client::pigeonhole::KeypairResult;
use katzenpost_thin_client::{Config, ThinClient, ThinClientError};
use serde_cbor::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

pub type Failure = Box<dyn Error + Send + Sync>;
pub type Outcome = Result<(), Failure>;
pub type Waiting = JoinHandle<Result<Vec<u8>, ThinClientError>>;
pub type Map = BTreeMap<Value, Value>;

/// Fails with both values if they differ.
#[macro_export]
macro_rules! expect_equal {
    ($got:expr, $wanted:expr) => {{
        let (got, wanted) = (&$got, &$wanted);
        if got != wanted {
            let place = format!("{}:{}", file!(), line!());
            return Err(format!("{place}: got {got:.200?}, expected {wanted:.200?}").into());
        }
    }};
}

/// Fails unless the result is the error of the pattern.
#[macro_export]
macro_rules! expect_error {
    ($result:expr, $wanted:pat) => {
        match $result {
            Err($wanted) => {}
            other => return Err(format!("{}:{}: got {other:.200?}", file!(), line!()).into()),
        }
    };
}

pub fn config() -> Result<Config, Failure> {
    let path = std::env::args().nth(1).ok_or("usage: rust_peer thinclient.toml")?;
    Config::new(&path).map_err(|error| error.to_string().into())
}

pub fn text(key: &str) -> Value {
    Value::Text(key.to_string())
}

pub fn bytes_of(map: &Map, key: &str) -> Vec<u8> {
    match map.get(&text(key)) {
        Some(Value::Bytes(bytes)) => bytes.clone(),
        _ => Vec::new(),
    }
}

/// Test data: different for each name, and the same in each run.
pub fn payload_of(name: &str, size: usize) -> Vec<u8> {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

/// A client, and a channel for each kind of event that it calls us back with.
pub struct Peer {
    pub client: Arc<ThinClient>,
    pub status: UnboundedReceiver<Map>,
    pub documents: UnboundedReceiver<Map>,
    pub sent: UnboundedReceiver<Map>,
    pub disconnected: UnboundedReceiver<bool>,
}

impl Peer {
    pub async fn new() -> Result<Peer, Failure> {
        Peer::connect(config()?).await
    }

    /// Returns once the client has heard from the daemon; requests need not wait for that.
    pub async fn connect(mut config: Config) -> Result<Peer, Failure> {
        let (status_sender, status) = unbounded_channel();
        let (document_sender, documents) = unbounded_channel();
        let (sent_sender, sent) = unbounded_channel();
        let (end_sender, disconnected) = unbounded_channel();
        config.on_connection_status = Some(Arc::new(move |event: &Map| {
            let _ = status_sender.send(event.clone());
        }));
        config.on_new_pki_document = Some(Arc::new(move |event: &Map| {
            let _ = document_sender.send(event.clone());
        }));
        config.on_message_sent = Some(Arc::new(move |event: &Map| {
            let _ = sent_sender.send(event.clone());
        }));
        config.on_daemon_disconnected = Some(Arc::new(move |graceful, _| {
            let _ = end_sender.send(graceful);
        }));
        let client = ThinClient::new(config).await.map_err(|error| error.to_string())?;
        client.new_keypair(&[0; 32]).await?;
        Ok(Peer { client, status, documents, sent, disconnected })
    }

    pub async fn channel(&self) -> Result<KeypairResult, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let unique = format!("{now} {:p} {}", self.client, ThinClient::new_query_id()[0]);
        let seed: [u8; 32] = payload_of(&unique, 32).try_into().unwrap();
        Ok(self.client.new_keypair(&seed).await?)
    }

    /// Writes a box, confirmed by a replica; returns the next index.
    pub async fn write(
        &self,
        cap: &[u8],
        index: &[u8],
        content: &[u8],
    ) -> Result<Vec<u8>, ThinClientError> {
        let made = self.client.encrypt_write(content, cap, index).await?;
        self.client
            .start_resending_encrypted_message_return_box_exists(
                None,
                Some(cap),
                None,
                None,
                &made.envelope_descriptor,
                &made.message_ciphertext,
                &made.envelope_hash,
            )
            .await?;
        Ok(made.next_message_box_index)
    }

    /// Reads a box; one that does not exist is an error.
    pub async fn read(&self, cap: &[u8], index: &[u8]) -> Result<Vec<u8>, ThinClientError> {
        let made = self.client.encrypt_read(cap, index).await?;
        let result = self
            .client
            .start_resending_encrypted_message_no_retry(
                Some(cap),
                None,
                Some(index),
                None,
                &made.envelope_descriptor,
                &made.message_ciphertext,
                &made.envelope_hash,
            )
            .await?;
        Ok(result.plaintext)
    }

    /// A task that reads a box when it comes, and the hash to cancel it with. The daemon has taken
    /// the request when this returns.
    pub async fn wait_for_box(
        &self,
        cap: &[u8],
        index: &[u8],
    ) -> Result<(Waiting, [u8; 32]), Failure> {
        let made = self.client.encrypt_read(cap, index).await?;
        let hash = made.envelope_hash;
        let (client, cap, index) = (self.client.clone(), cap.to_vec(), index.to_vec());
        let mut reading = Box::pin(async move {
            let started = client.start_resending_encrypted_message(
                Some(&cap),
                None,
                Some(&index),
                None,
                &made.envelope_descriptor,
                &made.message_ciphertext,
                &made.envelope_hash,
            );
            started.await.map(|result| result.plaintext)
        });
        // Polled first, the read is written first, and the daemon takes requests in order.
        tokio::select! {
            biased;
            early = &mut reading => return Err(format!("the read has ended: {early:?}").into()),
            taken = self.client.new_keypair(&[0; 32]) => taken?,
        };
        Ok((tokio::spawn(reading), hash))
    }

    /// The contents of so many boxes from the channel's first on, in one piece.
    pub async fn read_boxes(
        &self,
        channel: &KeypairResult,
        count: usize,
    ) -> Result<Vec<u8>, Failure> {
        let (mut contents, mut index) = (Vec::new(), channel.first_message_index.clone());
        for _ in 0..count {
            contents.extend(self.read(&channel.read_cap, &index).await?);
            index = self.client.next_message_box_index(&index).await?;
        }
        Ok(contents)
    }

    /// Writes elements into a temporary sequence and has a courier execute them.
    pub async fn copy(&self, elements: &[Vec<u8>]) -> Outcome {
        let temporary = self.channel().await?;
        let mut index = temporary.first_message_index;
        for element in elements {
            index = self.write(&temporary.write_cap, &index, element).await?;
        }
        let (node, queue) = self.client.get_service("courier").await?.to_destination();
        self.client
            .start_resending_copy_command(&temporary.write_cap, Some(&node), Some(&queue))
            .await?;
        Ok(())
    }
}

/// Asks whoever runs us to do something to the network: kill, stop or start.
pub async fn network(command: &'static str) -> Outcome {
    tokio::task::spawn_blocking(move || {
        println!("@{command}");
        std::io::stdin().lock().read_line(&mut String::new()).map(|_| ())
    })
    .await??;
    Ok(())
}
