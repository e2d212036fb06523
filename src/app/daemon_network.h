// DaemonNetwork: the daemon's thin-client protocol as the engine's port.
//
// Two connections: one for starts and cancels, one for local calls, so that building and encrypting
// go on while writes are out (design 7). The daemon is dialled at the first view(). Codes of the
// protocol become the outcomes of design 7's table here and nowhere else. One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/network.h"
#include "thin/client.h"

namespace taubenpost {

class DaemonNetwork : public ports::Network {
 public:
  // `thin_config` is the path of the daemon's thinclient.toml, read at the first view().
  DaemonNetwork(boost::asio::any_io_executor executor, std::string thin_config)
      : executor_(std::move(executor)), thin_config_(std::move(thin_config)) {}

  // Also kNotFound and kUsage for the configuration file, and kRefused for a daemon without
  // directory authorities: nothing says which network it is on.
  boost::asio::awaitable<Result<ports::NetworkView>> view(std::uint64_t limit_ms) override;
  // Of a daemon that has no other clients: they would take slots.
  boost::asio::awaitable<Result<ports::Costs>> costs() override;
  boost::asio::awaitable<Result<ports::KeyPair>> new_keypair(Bytes32 seed) override;
  boost::asio::awaitable<Result<ports::BuiltElements>> build(
      std::vector<ports::Destination> destinations, Bytes buffer, bool is_start,
      bool is_last) override;
  boost::asio::awaitable<Result<ports::BuiltElements>> build_tombstones(SecretBytes write_cap,
                                                                        IndexBytes start,
                                                                        std::uint32_t count,
                                                                        Bytes buffer, bool is_start,
                                                                        bool is_last) override;
  boost::asio::awaitable<ports::WriteResult> write(SecretBytes write_cap, IndexBytes index,
                                                   Bytes plaintext,
                                                   ports::WriteLevel level) override;
  boost::asio::awaitable<ports::WriteResult> tombstone(SecretBytes write_cap,
                                                       IndexBytes index) override;
  boost::asio::awaitable<ports::ReadResult> read(Bytes read_cap, IndexBytes index) override;
  boost::asio::awaitable<ports::CopyResult> copy(SecretBytes write_cap, CourierRow courier,
                                                 std::uint64_t wait_ms) override;

  // Closes both connections; every call that runs or comes later finds no daemon.
  boost::asio::awaitable<void> close();
  bool is_in_use() const { return starts_ != nullptr; }

 private:
  Status dial();
  boost::asio::awaitable<Status> wait_for_document(std::uint64_t limit_ms);
  boost::asio::awaitable<Result<NetworkId>> network_id();
  // Starts the write that an encrypting call has made.
  boost::asio::awaitable<ports::WriteResult> start_write(Result<thin::Envelope> envelope,
                                                         SecretBytes write_cap, bool confirmed);

  boost::asio::any_io_executor executor_;
  const std::string thin_config_;
  std::unique_ptr<thin::Client> starts_;  // both or none
  std::unique_ptr<thin::Client> local_;
  // Of the daemon process that was asked last.
  std::optional<Bytes16> known_daemon_;
  NetworkId known_id_{};
};

// What a thinclient.toml says; failures with `hint`. kUsage also for what is no file: opening a
// pipe would wait for a writer.
Result<thin::DialAddress> daemon_address(const std::string& thin_config, const char* hint);

// BLAKE2b-256 over the authorities' identity key hashes, sorted. nullopt: none, or one unknown.
std::optional<NetworkId> network_id_of(std::vector<Bytes32> identity_key_hashes);
// The reaction classes of design 7 for the thin client's classes.
ports::Outcome outcome_of(thin::ResendKind kind);
// For a call that did not bring an answer.
ports::Outcome outcome_of(const Error& failure);

}  // namespace taubenpost
