// What the commands of `taubenpost raw`, `ping` and `pki` share: the daemon's address, limits, and
// how bytes come in and go out.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "cli/daemon_client.h"

namespace taubenpost::cli {

struct DaemonArgs {
  std::string thin_config;    // empty: the one that the state directory names
  std::uint32_t timeout = 0;  // seconds for each call; 0: the library's defaults
};
void add_daemon_options(CLI::App& command, DaemonArgs& args);

// A client past its handshake. Errors: kUsage, kNotFound, kIo (thinclient.toml), kDaemonGone.
Result<std::unique_ptr<DaemonClient>> connect(Context& context, const DaemonArgs& args);
// With a document, for what needs one: kTemporary if the daemon has none.
Result<thin::DocumentPtr> document_of(thin::BlockingClient& client);
thin::Limit limit_of(const DaemonArgs& args);

// The error for an end that is none of the expected ones.
Error failed_end(const char* what, const thin::ResendResult& end);

// A regular file of at most `limit` bytes. Errors: kNotFound, kUsage (longer, no file), kIo.
Result<SecretBytes> read_file(const std::string& path, std::size_t limit);
// What one channel may get in one copy (thin-protocol 6.7).
constexpr std::size_t kPayloadMax = 10'485'760;
// All of standard input, at most kPayloadMax. Before connect(): a signal ends the program at once,
// and nobody's session waits for a typist.
Result<Bytes> read_input();
// kUsage if standard input was longer than `limit`.
Status fits(const Bytes& input, std::size_t limit);
// Bytes to standard output, as they are.
Status write_output(ByteView bytes);

}  // namespace taubenpost::cli
