// FakeNetwork: boxes that a test has put there, and answers that it has scripted.
//
// A read takes one round trip of virtual time. Where several answers are scripted for a box, each
// read takes the next one and the last one stays. Nothing can be written.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "bacap/capability.h"
#include "ports/clock.h"
#include "ports/network.h"

namespace taubenpost {

class FakeNetwork : public ports::Network {
 public:
  static constexpr std::uint64_t kBoxMax = 1549;
  static constexpr std::chrono::milliseconds kRoundTrip{2000};

  explicit FakeNetwork(ports::Clock& clock) : clock_(clock) {}

  void put(const IndexBytes& index, ports::ReadResult answer) {
    boxes_[index].push_back(std::move(answer));
  }
  void put(const IndexBytes& index, Bytes plaintext) {
    put(index, ports::ReadResult{ports::Outcome::kOk, std::move(plaintext), {}});
  }
  void put(const IndexBytes& index, ports::Outcome outcome) {
    put(index, ports::ReadResult{outcome, {}, "scripted"});
  }
  void clear(const IndexBytes& index) { boxes_.erase(index); }
  // The content as a body that begins at `first`; returns the index of each box.
  std::vector<IndexBytes> put_body(bacap::MessageBoxIndex first, ByteView content,
                                   std::size_t chunk) {
    std::vector<IndexBytes> indices;
    for (std::size_t at = 0; at < content.size(); at += chunk, first = *first.next()) {
      indices.push_back(first.bytes());
      put(first.bytes(), to_bytes(content.subspan(at, std::min(chunk, content.size() - at))));
    }
    return indices;
  }

  std::size_t reads = 0;  // in all
  std::size_t most_at_once = 0;
  bool gone = false;  // no daemon: reads are kRetry, view() fails
  std::function<void()> on_read;

  boost::asio::awaitable<Result<ports::NetworkView>> view(std::uint64_t limit_ms) override {
    if (gone) {
      co_await clock_.sleep(std::chrono::milliseconds(limit_ms));
      co_return error(Errc::kDaemonGone, "no daemon");
    }
    ports::NetworkView view;
    view.box_max = kBoxMax;
    co_return view;
  }
  boost::asio::awaitable<Result<ports::Costs>> costs() override { co_return ports::Costs{}; }
  boost::asio::awaitable<ports::ReadResult> read(Bytes read_cap, IndexBytes index) override {
    TP_CHECK(read_cap.size() == kReadCapSize);
    ++reads;
    most_at_once = std::max(most_at_once, ++at_once_);
    if (on_read) on_read();
    co_await clock_.sleep(kRoundTrip);
    --at_once_;
    ports::ReadResult answer = answer_for(index);
    co_return answer;
  }

  boost::asio::awaitable<Result<ports::KeyPair>> new_keypair(Bytes32) override {
    co_return error(Errc::kRejected, "fake network: read only");
  }
  boost::asio::awaitable<Result<ports::BuiltElements>> build(std::vector<ports::Destination>, Bytes,
                                                             bool, bool) override {
    co_return error(Errc::kRejected, "fake network: read only");
  }
  boost::asio::awaitable<ports::WriteResult> write(SecretBytes, IndexBytes, Bytes,
                                                   ports::WriteLevel) override {
    co_return ports::WriteResult{ports::Outcome::kRejected, "fake network: read only"};
  }
  boost::asio::awaitable<Result<ports::BuiltElements>> build_tombstones(SecretBytes, IndexBytes,
                                                                        std::uint32_t, Bytes, bool,
                                                                        bool) override {
    co_return error(Errc::kRejected, "fake network: read only");
  }
  boost::asio::awaitable<ports::WriteResult> tombstone(SecretBytes, IndexBytes) override {
    co_return ports::WriteResult{ports::Outcome::kRejected, "fake network: read only"};
  }
  boost::asio::awaitable<ports::CopyResult> copy(SecretBytes, CourierRow, std::uint64_t) override {
    ports::CopyResult rejected;
    rejected.kind = ports::CopyResult::Kind::kRejected;
    co_return rejected;
  }

 private:
  ports::ReadResult answer_for(const IndexBytes& index) {
    if (gone) return {ports::Outcome::kRetry, {}, "no daemon"};
    const auto box = boxes_.find(index);
    if (box == boxes_.end()) return {ports::Outcome::kNotFound, {}, {}};
    ports::ReadResult answer = box->second.front();
    if (box->second.size() > 1) box->second.pop_front();
    return answer;
  }

  ports::Clock& clock_;
  std::map<IndexBytes, std::deque<ports::ReadResult>> boxes_;
  std::size_t at_once_ = 0;
};

}  // namespace taubenpost
