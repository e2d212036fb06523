//! The tasks of the published how-to, done with the published Rust client, unmodified.
//!
//! Started by tests/peers/run, which says what the lines on standard output mean. Results are
//! compared byte for byte. Checks that leave the network alone run beside each other.

mod checks;
mod peer;
mod restarts;

use std::process::ExitCode;
use std::time::Duration;

use peer::Outcome;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(120);

/// Runs a check in a task of its own, so that a panic is its failure and nobody else's.
fn begin<F>(name: &'static str, check: F) -> JoinHandle<bool>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    tokio::spawn(async move {
        let task = tokio::spawn(check);
        let failure = match tokio::time::timeout(LIMIT, task).await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => Some(error.to_string()),
            Ok(Err(panic)) => Some(panic.to_string()),
            Err(_) => Some("no end in time".to_string()),
        };
        match &failure {
            None => println!("ok {name}"),
            Some(why) => println!("FAILED {name}: {why}"),
        }
        failure.is_none()
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut running = vec![
        begin("connect and events", checks::connect_and_events()),
        begin("send to a service", checks::send_to_a_service()),
        begin("keys and indices", checks::keys_and_indices()),
        begin("write and read", checks::write_and_read()),
        begin("write once", checks::write_once()),
        begin("read before write", checks::read_before_write()),
        begin("tombstones", checks::tombstones()),
        begin("cancel a read", checks::cancel_a_read()),
        begin("channels with a database", checks::channels_with_a_database()),
        begin("one channel atomically", checks::one_channel_atomically()),
        begin("several channels atomically", checks::several_channels_atomically()),
        begin("tombstones by copy stream", checks::tombstones_by_copy_stream()),
        begin("document and authorities", checks::document_and_authorities()),
        begin("vouchers", checks::vouchers()),
    ];
    let mut good = true;
    for check in running.drain(..) {
        good &= check.await.unwrap_or(false);
    }
    good &= begin("session resume", restarts::session_resume()).await.unwrap_or(false);
    good &= begin("killed and started again", restarts::killed()).await.unwrap_or(false);
    good &= begin("stopped and started again", restarts::stopped()).await.unwrap_or(false);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
