// Time, directory and counters of the local network, whom it listens to, and what all its clients
// together can make it hold.
#include <chrono>
#include <cmath>

#include "localnet/buffer_budget.h"
#include "localnet/scheduler.h"
#include "localnet_client.h"
#include "support/network_world.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

std::uint64_t epoch_of(const wire::NewPkiDocumentEvent& event) {
  const auto document = event.payload ? wire::parse_pki_document(*event.payload)
                                      : Result<wire::PkiDocument>(error(Errc::kInvalid, "none"));
  EXPECT_TRUE(document);
  return document ? document->epoch : 0;
}

// ---- time --------------------------------------------------------------------------------------

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

// ---- the directory -----------------------------------------------------------------------------

class PatientTest : public ConnectedTest {
 protected:
  PatientTest() { knobs_.broadcast_release = Milliseconds(600'000); }
};

TEST_F(PatientTest, KnobsThatChangeTheDirectory_BringANewDocument) {
  RawClient early(path());  // has said nothing yet
  early.expect<wire::ConnectionStatusEvent>();
  early.expect<wire::NewPkiDocumentEvent>();
  ASSERT_TRUE(ctl_request(options().data_dir, "set", {"reply_loss=0.5"}));
  ASSERT_TRUE(ctl_request(options().data_dir, "set", {"replica_down=4", "services=spool:1"}));
  const auto check = [](const wire::NewPkiDocumentEvent& event) {
    const auto document = wire::parse_pki_document(*event.payload);
    ASSERT_TRUE(document);
    EXPECT_EQ(document->replicas.size(), 4U);
    EXPECT_EQ(document->services.size(), 4U);
  };
  check(client_->expect<wire::NewPkiDocumentEvent>());
  early.call<wire::SessionTokenReply>(wire::SessionToken{fresh_id()});
  check(early.expect<wire::NewPkiDocumentEvent>());
}

// ---- counters ----------------------------------------------------------------------------------

TEST(LocalnetAudit, CountersOfEach_AddUpToTheSums) {
  NetworkWorld world;
  const auto cap = cap_of(5);
  ASSERT_EQ(world.write(cap, cap.index(), "hello"), 0);
  ASSERT_EQ(world.copy(cap_of(6), cap_of(7), "letter", /*courier=*/1).error_code, 0);
  EXPECT_TRUE(world.network().restart_courier(1));
  ASSERT_EQ(world.copy(cap_of(8), cap_of(9), "letter", /*courier=*/2).error_code, 0);
  const Audit& audit = world.audit();
  EXPECT_EQ(audit.couriers[0].copies_started, 0U);
  EXPECT_EQ(audit.couriers[1].copies_started, 1U) << "a restart forgets no counter";
  EXPECT_EQ(audit.couriers[2].copies_succeeded, 1U);
  CourierCounters couriers;
  for (const CourierCounters& each : audit.couriers) {
    couriers.packets += each.packets;
    couriers.copies_started += each.copies_started;
    couriers.copies_succeeded += each.copies_succeeded;
  }
  EXPECT_EQ(couriers.packets, audit.packets);
  EXPECT_EQ(couriers.copies_started, audit.copies_started);
  EXPECT_EQ(couriers.copies_succeeded, audit.copies_succeeded);
  ReplicaCounters replicas;
  for (const ReplicaCounters& each : audit.replicas) {
    replicas.messages += each.messages;
    replicas.writes[0] += each.writes[0];
    replicas.boxes_stored += each.boxes_stored;
  }
  EXPECT_EQ(replicas.messages, audit.messages);
  EXPECT_GT(audit.writes[0], 0U);
  EXPECT_EQ(replicas.writes[0], audit.writes[0]);
  EXPECT_EQ(replicas.boxes_stored, audit.boxes_stored);
}

TEST(LocalnetAudit, Texts_NameEachCourierAndReplica) {
  Audit audit;
  audit.at_courier(2, [](CourierCounters& at) { at.copies_failed[8] = 3; });
  audit.at_replica(4, [](ReplicaCounters& at) { at.writes[10] = 7; });
  const auto shown = nlohmann::json::parse(audit.to_json());
  EXPECT_EQ(shown["couriers"].size(), NetworkSize().couriers());
  EXPECT_EQ(shown["couriers"][2]["copies_failed"]["8"], 3);
  EXPECT_EQ(shown["copies_failed"]["8"], 3);
  EXPECT_EQ(shown["replicas"].size(), NetworkSize().replicas());
  EXPECT_EQ(shown["replicas"][4]["conflicting_writes"], 7);
  EXPECT_EQ(shown["replicas"][0]["writes"], nlohmann::json::object());
  const std::string text = audit.to_prometheus();
  const std::string prefix = "\ntaubenpost_localnet_";
  for (const char* line : {"courier_copies_failed_total{courier=\"2\",code=\"8\"} 3\n",
                           "courier_packets_total{courier=\"0\"} 0\n",
                           "replica_writes_total{replica=\"4\",code=\"10\"} 7\n"})
    EXPECT_NE(text.find(prefix + line), std::string::npos) << line << text;
}

TEST_F(DaemonTest, ShutdownOfANetworkInsideAProgram_IsRefused) {
  const auto answer = ctl_request(options().data_dir, "shutdown");
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("the program that it is a part of"), std::string::npos);
}

// ---- reach -------------------------------------------------------------------------------------

TEST_F(DaemonTest, RemoteAddresses_AreTakenOnlyOnRequest) {
  stop();
  asio::io_context io(1);
  Options wanted = options();
  wanted.listen = "tcp:0.0.0.0:0";
  const auto refused = LocalNetwork::start(io, wanted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_NE(refused.error().hint.find("--allow-remote"), std::string::npos);
  wanted.allow_remote = true;
  const auto started = LocalNetwork::start(io, wanted);
  ASSERT_TRUE(started) << started.error().what;
  EXPECT_EQ((*started)->address().rfind("tcp:0.0.0.0:", 0), 0U) << (*started)->address();
}

// ---- what connections hold ---------------------------------------------------------------------

class BudgetTest : public ::testing::Test {
 protected:
  BufferBudget::Share share(const char* name) {
    return {budget_, [this, name] { gone_ += name; }};
  }
  const std::shared_ptr<BufferBudget> budget_ = std::make_shared<BufferBudget>(100);
  std::string gone_;
};

TEST_F(BudgetTest, TooMuch_TheOneWithoutProgressGoes) {
  auto a = share("a"), b = share("b"), c = share("c");
  a.add(40);
  b.add(40);
  a.progress();
  c.add(20);
  EXPECT_EQ(gone_, "");
  EXPECT_EQ(budget_->held(), 100U);
  c.add(1);
  EXPECT_EQ(gone_, "b");
  EXPECT_EQ(budget_->held(), 61U);
  b.add(1'000);  // it may be still at work
  b.remove(7);
  b.progress();
  EXPECT_EQ(budget_->held(), 61U);
  c.add(60);
  EXPECT_EQ(gone_, "ba");
}

TEST_F(BudgetTest, WhoHoldsNothing_IsNeverTheOne) {
  auto idle = share("i"), busy = share("b");
  idle.add(10);
  idle.remove(10);
  busy.add(90);
  idle.add(10);
  EXPECT_EQ(gone_, "");
  idle.add(1);
  EXPECT_EQ(gone_, "b");
  idle.add(100);
  EXPECT_EQ(gone_, "bi") << "alone and too large";
  EXPECT_EQ(budget_->held(), 0U);
}

TEST_F(BudgetTest, Gone_NothingIsLeftBehind) {
  {
    auto a = share("a");
    a.add(100);
  }
  EXPECT_EQ(budget_->held(), 0U);
  EXPECT_EQ(gone_, "");
}

// Each frame is allowed; all of them would be 280 MiB.
TEST_F(DaemonTest, UnfinishedFramesOfMany_CostTheFirstOfThem) {
  constexpr std::size_t kSize = 40U << 20;
  constexpr std::size_t kMany = 7;
  static_assert(kSize <= wire::kFrameMax && kSize * kMany > BufferBudget::kDefaultLimit);
  Bytes most(kSize);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < kMany; ++i) {
    clients.push_back(std::make_unique<RawClient>(path()));
    clients.back()->handshake();
    Bytes prefix;
    append_be(prefix, static_cast<std::uint32_t>(kSize));
    clients.back()->send_raw(prefix);
    clients.back()->send_raw(ByteView(most).first(kSize - 1));
  }
  while (clients[0]->receive_body()) {
  }
  RawClient another(path());
  another.handshake();
  EXPECT_EQ(
      another.call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)}).error_code,
      0);
  EXPECT_FALSE(clients.back()->readable()) << "the last one is still there";
}

}  // namespace
}  // namespace taubenpost::localnet
