// A killed `taubenpost localnet` loses no write that it has confirmed: real processes, SIGKILL
// right after a confirmation, and a new process on the same data folder.
#include "localnet_client.h"
#include "support/program.h"

namespace taubenpost::localnet {
namespace {

constexpr int kKills = 6;  // after one write, two, …

class CliLocalnetKill : public ::testing::Test {
 protected:
  std::string socket() const { return folder_.path() + "/network.sock"; }

  // A process that takes clients, and a client of it.
  void start() {
    network_ = std::make_unique<Program>(
        output_.path(), std::vector<std::string>{"localnet", "--listen", "unix:" + socket(),
                                                 "--data", folder_.path() + "/network"});
    ASSERT_TRUE(network_->says("listening on")) << network_->wait().err;
    client_ = std::make_unique<RawClient>(socket());
    client_->handshake();
  }
  // Nothing is done between the reply and the signal.
  void write_and_kill(int writes) {
    for (int i = 0; i < writes; ++i) {
      const auto start =
          start_write(encrypt_write(*client_, cap_, next_, to_bytes(as_bytes(content(written_)))),
                      cap_, Level::kConfirmed);
      const auto reply = client_->call<StartReply>(start);
      if (i + 1 == writes) network_->send_signal(SIGKILL);
      ASSERT_EQ(reply.error_code, 0);
      next_ = next_.next().value();
      ++written_;
    }
    EXPECT_EQ(network_->wait().status, 128 + SIGKILL);
  }
  void expect_all_there() {
    auto index = cap_.index();
    for (int i = 0; i < written_; ++i) {
      const auto read = read_box(*client_, cap_.read_cap(), index);
      EXPECT_EQ(read.error_code, 0) << "box " << i << " of " << written_;
      EXPECT_EQ(as_text(read.plaintext.value_or(Bytes())), content(i));
      index = index.next().value();
    }
  }
  // Tells boxes apart, and takes a whole box.
  static std::string content(int number) {
    return std::to_string(number) + std::string(kTestMax - 10, '.');
  }

  TempFolder folder_, output_;
  std::unique_ptr<Program> network_;
  std::unique_ptr<RawClient> client_;
  const bacap::WriteCap cap_ = cap_of(5);
  bacap::MessageBoxIndex next_ = cap_.index();
  int written_ = 0;
};

TEST_F(CliLocalnetKill, KilledAfterAConfirmation_EveryConfirmedBoxIsThereAgain) {
  for (int kill = 0; kill < kKills; ++kill) {
    start();
    expect_all_there();
    write_and_kill(kill + 1);
    if (HasFatalFailure()) return;
  }
  start();
  expect_all_there();
  EXPECT_EQ(written_, 21);
}

}  // namespace
}  // namespace taubenpost::localnet
