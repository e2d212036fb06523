// The thin client against the whole local network: write, read, copy, delete, restart.
#include <gtest/gtest.h>

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
  Network() {
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
    network_ = must(localnet::LocalNetwork::start(io, options));
  }
  void kill() { network_.reset(); }
  DialAddress address() const { return must(parse_address(network_->address())); }

  asio::io_context io;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<localnet::LocalNetwork> network_;
};

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

TEST(ThinLocalnet, Box_IsWrittenReadAndDeleted) {
  Network network;
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

TEST(ThinLocalnet, CopyStream_ArrivesAtItsDestination) {
  Network network;
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

TEST(ThinLocalnet, KilledNetwork_AnswersTheReadThatWasRunning) {
  Network network;
  Client reader(network.io.get_executor(), {network.address(), quick(), 16});
  Client writer(network.io.get_executor(), {network.address(), quick(), 16});
  ResendResult got;
  run_both(network.io, polls_for_box(reader, got), restarts_and_writes(network, writer, reader));
  EXPECT_EQ(got.kind, ResendKind::kOk) << got.code.text();
  EXPECT_EQ(got.plaintext, Bytes(10, 'w'));
}

}  // namespace
}  // namespace taubenpost::thin
