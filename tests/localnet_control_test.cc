// What the local network is told about time, and what its clients see of it, over a real socket.
#include <chrono>
#include <cmath>

#include "localnet/scheduler.h"
#include "localnet_client.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

std::uint64_t epoch_of(const wire::NewPkiDocumentEvent& event) {
  const auto document = event.payload ? wire::parse_pki_document(*event.payload)
                                      : Result<wire::PkiDocument>(error(Errc::kInvalid, "none"));
  EXPECT_TRUE(document);
  return document ? document->epoch : 0;
}

// ---- time ----------------------------------------------------------------------------------------

TEST(LocalnetTimeScale, Fast_DelaysAndBothClocksAgree) {
  asio::io_context io(1);
  const auto scheduler = make_asio_scheduler(io, 1000);
  constexpr Milliseconds kHour{3'600'000};
  const std::uint64_t wall = scheduler->unix_ms(), steady = scheduler->monotonic_ms();
  bool is_over = false;
  const auto begin = std::chrono::steady_clock::now();
  scheduler->after(kHour / 36, [&] { is_over = true; });
  scheduler->cancel(scheduler->after(kHour * 24 * 365, [] { ADD_FAILURE() << "cancelled"; }));
  io.run();
  EXPECT_TRUE(is_over);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kHour / 72);
  EXPECT_GE(scheduler->monotonic_ms() - steady, 100'000U);
  EXPECT_GE(scheduler->unix_ms() - wall, 99'000U);  // the system's clock may be slewed meanwhile
}

TEST(LocalnetTimeScale, Slow_DelaysAreLonger) {
  asio::io_context io(1);
  const auto scheduler = make_asio_scheduler(io, 0.01);
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t steady = scheduler->monotonic_ms();
  scheduler->after(Milliseconds(1), [] {});
  io.run();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, Milliseconds(100));
  EXPECT_GE(scheduler->monotonic_ms(), steady + 1);
}

TEST(LocalnetTimeScale, Clock_BeginsWithTheRealOne) {
  asio::io_context io(1);
  const auto real = [] {
    return std::chrono::duration_cast<Milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = real();
  const auto shown = static_cast<std::int64_t>(make_asio_scheduler(io, 0.001)->unix_ms());
  EXPECT_GE(shown, before);
  EXPECT_LE(shown, real());
}

TEST_F(DaemonTest, ImpossibleTimeScales_AreRefusedBeforeAnythingIsMade) {
  stop();
  std::filesystem::remove_all(options().data_dir);
  asio::io_context io(1);
  for (const double scale : {0.0, -1.0, 0.0009, 1000.1, double(NAN), double(INFINITY)}) {
    time_scale_ = scale;
    const auto started = LocalNetwork::start(io, options());
    ASSERT_FALSE(started) << scale;
    EXPECT_EQ(started.error().code, Errc::kUsage);
    EXPECT_NE(started.error().hint.find("0.001 to 1000"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(options().data_dir));
}

class FastNetworkTest : public DaemonTest {
 protected:
  FastNetworkTest() { time_scale_ = 1000; }
};

// A mix epoch of twenty minutes is over in 1.2 s.
TEST_F(FastNetworkTest, Documents_FollowTheEpochs) {
  RawClient client(path());
  client.expect<wire::ConnectionStatusEvent>();
  std::uint64_t epoch = epoch_of(client.expect<wire::NewPkiDocumentEvent>());
  client.call<wire::SessionTokenReply>(wire::SessionToken{fresh_id()});
  for (int later = 0; later < 2; ++later) {
    const std::uint64_t next = epoch_of(client.expect<wire::NewPkiDocumentEvent>());
    EXPECT_GT(next, epoch);
    epoch = next;
  }
}

}  // namespace
}  // namespace taubenpost::localnet
