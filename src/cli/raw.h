// What the commands of `taubenpost raw`, `ping` and `pki` share: the daemon's address, limits, and
// operations that a signal cancels at the daemon too.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>

#include "cli/command.h"
#include "thin/blocking_client.h"

namespace taubenpost::cli {

struct DaemonArgs {
  std::string thin_config;    // empty: the one that the state directory names
  std::uint32_t timeout = 0;  // seconds for each call; 0: the library's defaults
};
void add_daemon_options(CLI::App& command, DaemonArgs& args);

// A client past its handshake. Errors: kUsage, kNotFound, kIo (thinclient.toml), kDaemonGone.
Result<std::unique_ptr<thin::BlockingClient>> connect(Context& context, const DaemonArgs& args);
// With a document, for what needs one: kTemporary if the daemon has none.
Result<thin::DocumentPtr> document_of(thin::BlockingClient& client);
thin::Limit limit_of(const DaemonArgs& args);

// Starts one operation and waits for its end. SIGINT and SIGTERM cancel it at the daemon; the
// program then ends with the signal's exit status (kCancelled).
Result<thin::ResendResult> run_start(Context& context,
                                     const std::function<Result<thin::ResendResult>()>& start,
                                     const std::function<Status()>& cancel);
Result<thin::CopyResult> run_copy(Context& context,
                                  const std::function<Result<thin::CopyResult>()>& start,
                                  const std::function<Status()>& cancel);

// The error for an end that is none of the expected ones.
Error failed_end(const char* what, const thin::ResendResult& end);

// A regular file of at most `limit` bytes. Errors: kNotFound, kUsage (longer, no file), kIo.
Result<SecretBytes> read_file(const std::string& path, std::size_t limit);
// All of standard input, at most `limit` bytes: kUsage beyond.
Result<Bytes> read_input(std::size_t limit);
// Bytes to standard output, as they are.
Status write_output(ByteView bytes);

}  // namespace taubenpost::cli
