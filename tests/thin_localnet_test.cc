// The thin client against the whole local network, with both daemons: write, read, copy, delete,
// restart, a connection that is lost.
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <filesystem>

#include "localnet/localnet.h"
#include "support/fake_daemon.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using taubenpost::testing::must;
using taubenpost::testing::quick;
using taubenpost::testing::require;
using taubenpost::testing::run_both;

class Network {
 public:
  explicit Network(const localnet::DaemonBehaviour& daemon) : daemon_(daemon) {
    std::string name = (std::filesystem::temp_directory_path() / "thin-net-XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, "no temporary folder");
    folder_ = name;
    start();
  }
  ~Network() {
    network_.reset();
    std::error_code ignored;  // a folder that stays behind fails no test
    std::filesystem::remove_all(folder_, ignored);
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  void start() {
    localnet::Options options;
    options.listen = "unix:" + (folder_ / "d.sock").string();
    options.data_dir = (folder_ / "data").string();
    options.knobs.copy_poll = std::chrono::milliseconds(5);
    options.knobs.not_found_poll = std::chrono::milliseconds(5);
    options.daemon = daemon_;
    network_ = must(localnet::LocalNetwork::start(io, options));
  }
  void kill() { network_.reset(); }
  DialAddress address() const { return must(parse_address(network_->address())); }
  const std::filesystem::path& folder() const { return folder_; }

  asio::io_context io;

 private:
  const localnet::DaemonBehaviour daemon_;
  std::filesystem::path folder_;
  std::unique_ptr<localnet::LocalNetwork> network_;
};

// All of it with both daemons.
class ThinLocalnet : public ::testing::TestWithParam<localnet::DaemonBehaviour> {};
INSTANTIATE_TEST_SUITE_P(Daemon, ThinLocalnet,
                         ::testing::Values(localnet::kRobustDaemon, localnet::kUpstreamDaemon),
                         [](const auto& daemon) {
                           return daemon.index == 0 ? "Robust" : "Upstream";
                         });

asio::awaitable<ResendResult> write_box(Client& client, Bytes plaintext, const WriteCap& cap,
                                        BoxIndex index) {
  Envelope envelope = must(co_await client.encrypt_write(plaintext, cap, index));
  WriteOptions options;
  options.confirmed = true;
  co_return must(co_await client.start_write(envelope, cap, options));
}
asio::awaitable<ResendResult> read_box(Client& client, ReadCap cap, BoxIndex index) {
  Envelope envelope = must(co_await client.encrypt_read(cap, index));
  const ReadOptions options;
  co_return must(co_await client.start_read(envelope, cap, index, options));
}

asio::awaitable<void> writes_reads_and_deletes(Client& client) {
  const KeyPair pair = must(co_await client.new_keypair(Bytes32{1}));
  const ResendResult missing = co_await read_box(client, pair.read_cap, pair.first);
  EXPECT_EQ(missing.kind, ResendKind::kNotFound) << missing.code.text();
  const Bytes text(1549, 'x');
  const ResendResult written = co_await write_box(client, text, pair.write_cap, pair.first);
  EXPECT_EQ(written.kind, ResendKind::kOk) << written.code.text();
  const Bytes other(3, 'y');
  const ResendResult taken = co_await write_box(client, other, pair.write_cap, pair.first);
  EXPECT_EQ(taken.kind, ResendKind::kTaken) << taken.code.text();
  const ResendResult read = co_await read_box(client, pair.read_cap, pair.first);
  EXPECT_EQ(read.kind, ResendKind::kOk) << read.code.text();
  EXPECT_EQ(read.plaintext, text);
  const Envelope tombstone = must(co_await client.encrypt_tombstone(pair.write_cap, pair.first));
  WriteOptions confirmed;
  confirmed.confirmed = true;
  must(co_await client.start_write(tombstone, pair.write_cap, confirmed));
  const ResendResult deleted = co_await read_box(client, pair.read_cap, pair.first);
  EXPECT_EQ(deleted.kind, ResendKind::kTombstone) << deleted.code.text();
  co_await client.close();
}
asio::awaitable<void> nothing() { co_return; }

TEST_P(ThinLocalnet, Box_IsWrittenReadAndDeleted) {
  Network network(GetParam());
  Client client(network.io.get_executor(), {network.address(), quick(), 16});
  run_both(network.io, writes_reads_and_deletes(client), nothing());
}

asio::awaitable<void> copies(Client& client) {
  const KeyPair target = must(co_await client.new_keypair(Bytes32{2}));
  const KeyPair temporary = must(co_await client.new_keypair(Bytes32{3}));
  const Bytes payload(2000, 'z');  // two boxes
  const std::vector<Destination> destinations{{payload, &target.write_cap, target.first}};
  StreamPart whole;
  whole.is_start = whole.is_last = true;
  const CopyElements built =
      must(co_await client.create_courier_envelopes_from_multi_payload(destinations, whole));
  EXPECT_TRUE(built.buffer.empty());
  BoxIndex index = temporary.first;
  for (const Bytes& element : built.elements) {
    const ResendResult written = co_await write_box(client, element, temporary.write_cap, index);
    EXPECT_EQ(written.kind, ResendKind::kOk) << written.code.text();
    index = must(co_await client.next_message_box_index(index));
  }
  const ServiceId courier = client.services("courier").at(0);
  const CopyResult copied = must(co_await client.start_copy(temporary.write_cap, courier));
  EXPECT_EQ(copied.kind, CopyKind::kSucceeded) << copied.code.text();
  const ResendResult first = co_await read_box(client, target.read_cap, target.first);
  EXPECT_EQ(first.plaintext, Bytes(1545, 'z'));
  const BoxIndex second_index = must(co_await client.next_message_box_index(target.first));
  const ResendResult second = co_await read_box(client, target.read_cap, second_index);
  EXPECT_EQ(second.plaintext, Bytes(2000 - 1545, 'z'));
  co_await client.close();
}

TEST_P(ThinLocalnet, CopyStream_ArrivesAtItsDestination) {
  Network network(GetParam());
  Client client(network.io.get_executor(), {network.address(), quick(), 16});
  run_both(network.io, copies(client), nothing());
}

asio::awaitable<void> polls_for_box(Client& client, ResendResult& got) {
  const KeyPair pair = must(co_await client.new_keypair(Bytes32{4}));
  const Envelope envelope = must(co_await client.encrypt_read(pair.read_cap, pair.first));
  ReadOptions waiting;
  waiting.report_missing = false;
  got = must(co_await client.start_read(envelope, pair.read_cap, pair.first, waiting));
}
asio::awaitable<void> restarts_and_writes(Network& network, Client& writer, Client& reader) {
  must(co_await reader.connect());
  must(co_await writer.connect());
  co_await taubenpost::testing::settle();
  network.kill();
  network.start();
  const KeyPair pair = must(co_await writer.new_keypair(Bytes32{4}));
  const Bytes text(10, 'w');
  const ResendResult written = co_await write_box(writer, text, pair.write_cap, pair.first);
  EXPECT_EQ(written.kind, ResendKind::kOk) << written.code.text();
}

TEST_P(ThinLocalnet, KilledNetwork_AnswersTheReadThatWasRunning) {
  Network network(GetParam());
  Client reader(network.io.get_executor(), {network.address(), quick(), 16});
  Client writer(network.io.get_executor(), {network.address(), quick(), 16});
  ResendResult got;
  run_both(network.io, polls_for_box(reader, got), restarts_and_writes(network, writer, reader));
  EXPECT_EQ(got.kind, ResendKind::kOk) << got.code.text();
  EXPECT_EQ(got.plaintext, Bytes(10, 'w'));
}

// Stands between a client and the network, and loses the connection as soon as a start has passed:
// its answer meets nobody.
class Relay {
 public:
  Relay(Network& network, int losses)
      : network_(network),
        path_(network.folder() / "relay.sock"),
        acceptor_(network.io, path_.string()),
        losses_(losses) {
    asio::co_spawn(network.io, accept(), rethrow);
  }
  DialAddress address() const { return UnixPath{path_.string()}; }
  int losses_left() const { return losses_; }
  void close() { acceptor_.close(); }

 private:
  using Local = asio::local::stream_protocol;
  using End = std::shared_ptr<Local::socket>;
  static constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

  static void rethrow(std::exception_ptr exception) {
    if (exception) std::rethrow_exception(exception);
  }
  asio::awaitable<void> accept() {
    for (;;) {
      auto [closed, socket] = co_await acceptor_.async_accept(kTuple);
      if (closed) co_return;
      const End client = std::make_shared<Local::socket>(std::move(socket));
      const End daemon = std::make_shared<Local::socket>(network_.io);
      daemon->connect((network_.folder() / "d.sock").string());
      asio::co_spawn(network_.io, pump(client, daemon, /*may_lose=*/true), rethrow);
      asio::co_spawn(network_.io, pump(daemon, client, /*may_lose=*/false), rethrow);
    }
  }
  asio::awaitable<void> pump(End from, End to, bool may_lose) {
    Bytes part(64U << 10);
    for (;;) {
      const auto [no_input, got] = co_await from->async_read_some(asio::buffer(part), kTuple);
      if (no_input) break;
      const auto passing = asio::buffer(part.data(), got);
      const auto [no_output, put] = co_await asio::async_write(*to, passing, kTuple);
      if (no_output || (may_lose && is_lost(as_text(ByteView(part).first(got))))) break;
    }
    from->close();
    to->close();
  }
  bool is_lost(std::string_view passed) {
    if (losses_ == 0 || passed.find("start_resending_encrypted_message") == passed.npos)
      return false;
    --losses_;
    return true;
  }

  Network& network_;
  const std::filesystem::path path_;
  Local::acceptor acceptor_;
  int losses_;
};

asio::awaitable<void> writes_and_reads(Client& client, Relay& relay) {
  const KeyPair pair = must(co_await client.new_keypair(Bytes32{5}));
  const Bytes text(10, 'w');
  const ResendResult written = co_await write_box(client, text, pair.write_cap, pair.first);
  EXPECT_EQ(written.kind, ResendKind::kOk) << written.code.text();
  const ResendResult read = co_await read_box(client, pair.read_cap, pair.first);
  EXPECT_EQ(read.plaintext, text);
  co_await client.close();
  relay.close();
}

TEST_P(ThinLocalnet, ConnectionsLostRightBehindAStart_EverythingIsAnswered) {
  Network network(GetParam());
  Relay relay(network, /*losses=*/2);  // of each start
  Client client(network.io.get_executor(), {relay.address(), quick(), 16});
  run_both(network.io, writes_and_reads(client, relay), nothing());
  EXPECT_EQ(relay.losses_left(), 0);
}

}  // namespace
}  // namespace taubenpost::thin
