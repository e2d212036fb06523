//! Checks that cut connections, or kill, stop and start the network.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use katzenpost_thin_client::ThinClientError;

use crate::peer::{Failure, Outcome, Peer, bytes_of, config, network, payload_of};
use crate::{expect_equal, expect_error};

/// Stands between a client and the daemon, so that their connection can be cut.
struct Proxy {
    address: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn new(daemon: String) -> Result<Proxy, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let open = Arc::new(Mutex::new(Vec::new()));
        let connections = open.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(daemon) = TcpStream::connect(&daemon) else { continue };
                for (from, to) in [(&client, &daemon), (&daemon, &client)] {
                    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
                        continue;
                    };
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
                connections.lock().unwrap().extend([client, daemon]);
            }
        });
        Ok(Proxy { address, open })
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// After a resume this client repeats nothing: the daemon has to answer what it was asked before.
pub async fn session_resume() -> Outcome {
    let mut through_proxy = config()?;
    let tcp = through_proxy.dial.tcp.as_mut().ok_or("the network does not listen on TCP")?;
    let proxy = Proxy::new(tcp.address.clone())?;
    tcp.address = proxy.address.clone();
    let mut reader = Peer::connect(through_proxy).await?;
    let writer = Peer::new().await?;
    let channel = reader.channel().await?;
    let index = channel.first_message_index.clone();
    let (waiting, _) = reader.wait_for_box(&channel.read_cap, &index).await?;
    proxy.cut();
    expect_equal!(reader.disconnected.recv().await, Some(false));
    writer.write(&channel.write_cap, &index, b"while you were away").await?;
    expect_equal!(waiting.await??, b"while you were away");
    Ok(())
}

async fn restart(how: &'static str, graceful: bool) -> Outcome {
    let (mut reader, mut writer) = (Peer::new().await?, Peer::new().await?);
    let channel = reader.channel().await?;
    let content = payload_of("restart", 1549);
    let empty = writer.write(&channel.write_cap, &channel.first_message_index, &content).await?;
    let before = bytes_of(&reader.status.recv().await.ok_or("no status")?, "instance_token");
    let (waiting, _) = reader.wait_for_box(&channel.read_cap, &empty).await?;

    network(how).await?;
    expect_equal!(reader.disconnected.recv().await, Some(graceful));
    expect_equal!(writer.disconnected.recv().await, Some(graceful));
    network("start").await?;
    let after = bytes_of(&reader.status.recv().await.ok_or("no status")?, "instance_token");
    expect_equal!(before == after, false);
    writer.status.recv().await;
    writer.status.recv().await.ok_or("the writer did not come back")?;

    let first = &channel.first_message_index;
    expect_equal!(reader.read(&channel.read_cap, first).await?, content);
    let refused = writer.write(&channel.write_cap, first, b"other").await;
    expect_error!(refused, ThinClientError::BoxAlreadyExists);
    writer.write(&channel.write_cap, &empty, b"after the restart").await?;
    expect_equal!(waiting.await??, b"after the restart");
    Ok(())
}

pub async fn killed() -> Outcome {
    restart("kill", false).await
}

pub async fn stopped() -> Outcome {
    restart("stop", true).await
}
