// The engine's network at a daemon that dies in the middle of its calls.
#include "app/daemon_network.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temp_folder.h"
#include "support/thin_world.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
using testing::FakeConnectionPtr;

class DaemonNetworkTest : public ::testing::Test {
 protected:
  // Pauses between dials are a second and more of the program's time.
  static void SetUpTestSuite() { ::setenv("TP_TIME_SCALE", "1000", /*overwrite=*/1); }
  static void TearDownTestSuite() { ::unsetenv("TP_TIME_SCALE"); }

  DaemonNetworkTest() {
    write_file(config_, "[Dial.Unix]\nAddress = \"" + daemon_.socket_path() + "\"\n");
  }

  asio::awaitable<void> looks() {
    seen_ = co_await network_.view(30'000);
    co_await network_.close();
  }
  asio::awaitable<void> asks_for_costs() {
    costs_ = co_await network_.costs();
    co_await network_.close();
  }
  // Ends the connection for local calls at each of so many calls, then answers.
  asio::awaitable<void> dies(int times) {
    const FakeConnectionPtr starts = co_await daemon_.accept_and_greet({});
    FakeConnectionPtr local = co_await daemon_.accept_and_greet({});
    wire::GetDirectoryAuthorities asked;
    for (int i = 0; i < times; ++i) {
      asked = co_await local->receive_a<wire::GetDirectoryAuthorities>();
      local->close();
      local = co_await daemon_.accept_and_greet({});
    }
    asked = co_await local->receive_a<wire::GetDirectoryAuthorities>();
    wire::GetDirectoryAuthoritiesReply reply;
    reply.authorities.emplace(1).front().identity_key_hash = Bytes32{7};
    co_await testing::answer(local, asked.query_id, std::move(reply));
    while (co_await local->receive_unless_ended()) continue;
    while (co_await starts->receive_unless_ended()) continue;
  }
  // Answers everything but so many encryptions, at which the connection ends.
  asio::awaitable<void> dies_at_encryptions(int times) {
    const FakeConnectionPtr starts = co_await daemon_.accept_and_greet({});
    FakeConnectionPtr local = co_await daemon_.accept_and_greet({});
    while (const auto request = co_await local->receive_unless_ended()) {
      const auto* encrypt = std::get_if<wire::EncryptRead>(&*request);
      if (const auto* keypair = std::get_if<wire::NewKeypair>(&*request)) {
        wire::NewKeypairReply reply;
        reply.write_cap.emplace();
        reply.read_cap.emplace();
        reply.first_message_index.emplace();
        co_await testing::answer(local, keypair->query_id, std::move(reply));
      } else if (encrypt != nullptr && times-- > 0) {
        local->close();
        local = co_await daemon_.accept_and_greet({});
      } else if (encrypt != nullptr) {
        wire::EncryptReadReply reply;
        reply.message_ciphertext = reply.envelope_descriptor = Bytes{1};
        reply.envelope_hash.emplace();
        reply.next_message_box_index.emplace();
        co_await testing::answer(local, encrypt->query_id, std::move(reply));
      }
    }
    while (co_await starts->receive_unless_ended()) continue;
  }

  asio::io_context io_;
  testing::FakeDaemon daemon_{io_};
  TempFolder folder_;
  const std::string config_ = folder_ / "thinclient.toml";
  DaemonNetwork network_{io_.get_executor(), config_};
  std::optional<Result<ports::NetworkView>> seen_;
  std::optional<Result<ports::Costs>> costs_;
};

// A local call is given up when its connection was lost twice (thin/calls.h); its daemon may be
// back all the same.
TEST_F(DaemonNetworkTest, DaemonThatDiesAtEveryCall_IsWaitedFor) {
  testing::run_beside(io_, looks(), dies(7));
  ASSERT_TRUE(*seen_) << seen_->error().what;
  EXPECT_EQ((*seen_)->id, *network_id_of({Bytes32{7}}));
}

TEST_F(DaemonNetworkTest, DaemonThatDiesWhileItIsTimed_IsWaitedFor) {
  testing::run_beside(io_, asks_for_costs(), dies_at_encryptions(5));
  ASSERT_TRUE(*costs_) << costs_->error().what;
  EXPECT_GT((*costs_)->packet_ms, 0U);
}

}  // namespace
}  // namespace taubenpost
