#include "cli/raw.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "app/daemon_network.h"
#include "app/state_dir.h"
#include "store/durable_file.h"

namespace taubenpost::cli {
namespace {

Result<std::string> thin_config_of(const Context& context, const DaemonArgs& args) {
  if (!args.thin_config.empty()) return absolute_path(args.thin_config);
  const Result<std::string> dir = context.state_dir();
  if (!dir) return dir.error();
  const Result<Config> config = load_app_config(*dir);
  if (config) return config->thin_config;
  if (config.error().code != Errc::kStoreBad) return config.error();
  return error(Errc::kUsage, "no daemon is named: " + config.error().what,
               "name its thinclient.toml with --thin-config");
}

}  // namespace

void add_daemon_options(CLI::App& command, DaemonArgs& args) {
  command
      .add_option("--thin-config", args.thin_config,
                  "the daemon's thinclient.toml (default: the state directory's)")
      ->envname("TAUBENPOST_THIN_CONFIG")
      ->type_name("FILE");
  command.add_option("--timeout", args.timeout, "how long each call may take")
      ->check(CLI::Range(1, 7 * 24 * 3600))
      ->type_name("SECONDS");
}

thin::Limit limit_of(const DaemonArgs& args) {
  return args.timeout == 0 ? thin::kDefaultLimit : std::chrono::seconds(args.timeout);
}

Result<std::unique_ptr<DaemonClient>> connect(Context& context, const DaemonArgs& args) {
  const Result<std::string> file = thin_config_of(context, args);
  if (!file) return file.error();
  const Result<thin::DialAddress> address =
      daemon_address(*file, "name the daemon's thinclient.toml with --thin-config");
  if (!address) return address.error();
  thin::Options options;
  options.address = *address;
  auto client = std::make_unique<DaemonClient>(context, std::move(options));
  constexpr std::chrono::seconds kConnect{30};
  const Status connected = client->connect(args.timeout == 0 ? kConnect : limit_of(args));
  if (!connected && connected.error().code == Errc::kCancelled) return connected.error();
  if (!connected)
    return error(connected.error().code, connected.error().what,
                 "is the daemon of " + printable(*file, 4096) + " running?");
  return client;
}

Result<thin::DocumentPtr> document_of(thin::BlockingClient& client) {
  thin::DocumentPtr document = client.document();
  if (document == nullptr)
    return error(Errc::kTemporary, "the daemon has no directory document",
                 "it may still be connecting to its network: try again later");
  return document;
}

Error failed_end(const char* what, const thin::ResendResult& end) {
  const std::string text = std::string(what) + ": " + end.code.text();
  switch (end.kind) {
    case thin::ResendKind::kRetry:
    case thin::ResendKind::kReencrypt:
    case thin::ResendKind::kStorageFull:
      return error(Errc::kTemporary, text);
    case thin::ResendKind::kCancelled:
      return error(Errc::kTemporary, text, "another client of this daemon cancelled it");
    default:
      return error(Errc::kRejected, text);
  }
}

Result<SecretBytes> read_file(const std::string& path, std::size_t limit) {
  Result<SmallFile> file = read_small_file(path, limit);
  if (file) return std::move(file->content);
  const std::string shown = printable(path, 4096);
  if (file.error().code == Errc::kNotFound) return error(Errc::kNotFound, shown + ": no such file");
  if (file.error().code == Errc::kInvalid)
    return error(Errc::kUsage,
                 shown + ": is no file, or has more than " + std::to_string(limit) + " bytes");
  return error(Errc::kIo, printable(file.error().what, 4096));
}

Result<Bytes> read_input() {
  Bytes input;
  Bytes piece(64U << 10);
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return error(Errc::kIo, "standard input: " + std::generic_category().message(errno));
    if (got == 0) return input;
    append(input, ByteView(piece).first(static_cast<std::size_t>(got)));
    TP_TRY(fits(input, kPayloadMax));
  }
}

Status fits(const Bytes& input, std::size_t limit) {
  if (input.size() <= limit) return ok();
  return error(Errc::kUsage, "standard input has more than " + std::to_string(limit) + " bytes");
}

Status write_output(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0)
      return error(Errc::kIo, "standard output: " + std::generic_category().message(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return ok();
}

}  // namespace taubenpost::cli
