// The local network in virtual time, with one client: writes, reads and copies as plain calls.
//
// Same seed and calls, same run. Nothing waits: time is moved until the answer is there.
#pragma once

#include <memory>
#include <vector>

#include "localnet/client.h"
#include "localnet/local_calls.h"
#include "localnet/network.h"
#include "localnet_testing.h"
#include "wire/frame.h"

namespace taubenpost::localnet {

enum class WriteLevel { kAcknowledged, kConfirmed };

class NetworkWorld {
 public:
  explicit NetworkWorld(std::uint64_t seed = 1, EnvelopeNike nike = EnvelopeNike::kHybrid,
                        const NetworkSize& size = {})
      : random_(seeded_random(seed)),
        network_(scheduler_, *random_, test_directory(nike, size),
                 test_boxes(folder_.path(), nike, size), Knobs{}),
        client_(std::make_shared<Client>(network_.context())) {
    client_->attach([this](const wire::Response& response) {
      replies_.push_back(response);
      replied_ms_ = scheduler_.monotonic_ms();
    });
  }

  Network& network() { return network_; }
  const Audit& audit() const { return network_.audit(); }
  void set(void (*change)(Knobs&)) {
    Knobs knobs = network_.knobs();
    change(knobs);
    network_.set_knobs(knobs);
  }
  void advance(Milliseconds by) { scheduler_.advance(by); }
  // When the last reply came; a call returns up to 100 ms later.
  std::uint64_t replied_ms() const { return replied_ms_; }
  // Of a reply that came after its call had given up; 255 if none did.
  std::uint8_t last_code() const {
    if (replies_.empty()) return 255;
    return wire::error_code_of(replies_.back()).value_or(255);
  }

  // The codes of the replies; 255 if none came within `limit`.
  std::uint8_t write(const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index,
                     std::string_view text, WriteLevel level = WriteLevel::kConfirmed,
                     Milliseconds limit = kLong) {
    return end_of<wire::StartResendingEncryptedMessageReply>(write_of(cap, index, text, level),
                                                             limit)
        .error_code;
  }
  struct Read {
    std::uint8_t code = 255;
    std::string text;
  };
  Read read(const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index,
            Milliseconds limit = kLong) {
    const auto reply =
        end_of<wire::StartResendingEncryptedMessageReply>(read_of(cap, index), limit);
    return {reply.error_code, std::string(as_text(reply.plaintext.value_or(Bytes{})))};
  }
  // Copies `text` into the box through a temporary sequence. Code 26 is a failure.
  wire::StartResendingCopyCommandReply copy(const bacap::WriteCap& temporary,
                                            const bacap::WriteCap& cap, std::string_view text,
                                            std::size_t courier = 0, Milliseconds limit = kLong) {
    upload(temporary, cap, text);
    return copy_again(temporary, courier, limit);
  }
  // Builds and writes the elements for that.
  void upload(const bacap::WriteCap& temporary, const bacap::WriteCap& cap, std::string_view text) {
    write_elements(temporary, build(cap, cap.index(), text));
  }
  // One call of create_courier_envelopes_from_payload: `text` into boxes from `first` on.
  enum class Part { kWhole, kFirst, kLast };
  std::vector<Bytes> build(const bacap::WriteCap& cap, const bacap::MessageBoxIndex& first,
                           std::string_view text, Part part = Part::kWhole) {
    wire::CreateCourierEnvelopesFromPayload request;
    request.query_id = Bytes16{1};
    request.payload = to_bytes(as_bytes(text));
    request.dest_write_cap = bytes_of(cap);
    request.dest_start_index = first.bytes();
    request.is_start = part != Part::kLast;
    request.is_last = part != Part::kFirst;
    StreamPlan plan = plan_stream(network_.context(), request);
    const auto progress = plan.builder->step(1'000);
    const auto built = std::get<wire::CreateCourierEnvelopesFromPayloadReply>(
        stream_reply(std::move(plan), progress));
    std::vector<Bytes> out;
    for (const auto& element : *built.envelopes) out.push_back(*element);
    return out;
  }
  // Into the temporary sequence, from its first index.
  void write_elements(const bacap::WriteCap& temporary, const std::vector<Bytes>& elements) {
    auto index = temporary.index();
    for (const Bytes& element : elements) {
      EXPECT_EQ(write(temporary, index, as_text(element)), 0);
      index = index.next().value();
    }
  }
  wire::StartResendingCopyCommandReply copy_again(const bacap::WriteCap& temporary,
                                                  std::size_t courier = 0,
                                                  Milliseconds limit = kLong) {
    return end_of<wire::StartResendingCopyCommandReply>(copy_of(temporary, courier), limit);
  }

  // What such a call starts; its envelope is ready.
  wire::StartResendingEncryptedMessage write_of(const bacap::WriteCap& cap,
                                                const bacap::MessageBoxIndex& index,
                                                std::string_view text, WriteLevel level) {
    wire::EncryptWrite request{Bytes16{1}, to_bytes(as_bytes(text)), bytes_of(cap), index.bytes()};
    auto envelope = std::get<wire::EncryptWriteReply>(answer(network_.context(), request));
    auto start = start_of(envelope);
    start.write_cap = bytes_of(cap);
    start.no_idempotent_box_already_exists.value = level == WriteLevel::kConfirmed;
    return start;
  }
  wire::StartResendingEncryptedMessage read_of(const bacap::WriteCap& cap,
                                               const bacap::MessageBoxIndex& index) {
    wire::EncryptRead request{Bytes16{1}, cap.read_cap().bytes(), index.bytes()};
    auto envelope = std::get<wire::EncryptReadReply>(answer(network_.context(), request));
    auto start = start_of(envelope);
    start.read_cap = cap.read_cap().bytes();
    start.message_box_index = Bytes(index.bytes().begin(), index.bytes().end());
    start.no_retry_on_box_id_not_found.value = true;
    return start;
  }
  wire::StartResendingCopyCommand copy_of(const bacap::WriteCap& temporary, std::size_t courier) {
    const Service& pinned = network_.context().directory.couriers().at(courier);
    wire::StartResendingCopyCommand command;
    command.write_cap = bytes_of(temporary);
    command.courier_identity_hash.value = pinned.identity_hash;
    command.courier_queue_id.value = to_bytes(as_bytes(pinned.queue_id));
    return command;
  }
  // Starts operations, `outstanding` at most at a time, and moves time until all have ended well.
  template <class Start>
  void run_all(std::vector<Start> starts, std::size_t outstanding) {
    replies_.clear();
    for (std::size_t begun = 0; replies_.size() < starts.size(); advance(Milliseconds(5))) {
      for (; begun < starts.size() && begun < replies_.size() + outstanding; ++begun)
        begin(starts[begun]);
    }
    for (const wire::Response& reply : replies_) EXPECT_EQ(wire::error_code_of(reply), 0);
  }
  // Milliseconds until a message to echo was sent, and until it was answered.
  struct Echo {
    std::uint64_t sent = 0, answered = 0;
  };
  Echo echo() {
    const Service& node = network_.context().directory.couriers().front();
    wire::SendMessage message;
    message.with_surb = true;
    message.surbid = Bytes16{1};
    message.destination_id_hash = node.identity_hash;
    message.recipient_queue_id = to_bytes(as_bytes("+echo"));
    message.payload = Bytes{1};
    replies_.clear();
    client_->send(message);
    Echo out;
    for (; replies_.size() < 2; advance(Milliseconds(1)), ++out.answered)
      if (replies_.empty()) ++out.sent;
    return out;
  }

 private:
  static constexpr Milliseconds kLong{4 * 3'600'000};

  static wire::OptWriteCap bytes_of(const bacap::WriteCap& cap) {
    return to_array<bacap::kWriteCapSize>(cap.view());
  }
  static wire::StartResendingEncryptedMessage start_of(const wire::EncryptReply& envelope) {
    wire::StartResendingEncryptedMessage start;
    start.query_id = Bytes16{1};
    start.message_ciphertext = envelope.message_ciphertext;
    start.envelope_descriptor = envelope.envelope_descriptor;
    start.envelope_hash = envelope.envelope_hash;
    return start;
  }
  // Starts an operation, and moves time until it ends or the limit is over. Others that were given
  // up go on, and may end meanwhile.
  template <class Reply, class Start>
  Reply end_of(Start start, Milliseconds limit) {
    replies_.clear();
    begin(start);
    constexpr Milliseconds kStep{100};
    for (Milliseconds waited{0}; waited <= limit; waited += kStep) {
      for (const wire::Response& reply : replies_)
        if (wire::query_id_of(reply) == start.query_id) return std::get<Reply>(reply);
      scheduler_.advance(kStep);
    }
    Reply none;
    none.error_code = 255;
    return none;
  }
  template <class Start>
  void begin(Start& start) {
    start.query_id = Bytes16{};
    ++queries_;
    for (std::size_t i = 0; i < sizeof queries_; ++i)
      (*start.query_id)[i] = static_cast<std::uint8_t>(queries_ >> (8 * i));
    client_->start(start);
  }

  TempFolder folder_;
  ManualScheduler scheduler_;
  std::unique_ptr<Random> random_;
  Network network_;
  std::shared_ptr<Client> client_;
  std::vector<wire::Response> replies_;
  std::uint64_t queries_ = 0;
  std::uint64_t replied_ms_ = 0;
};

}  // namespace taubenpost::localnet
