#include "thin/blocking_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>
#include <utility>

#include "thin/client.h"

namespace taubenpost::thin {
namespace asio = boost::asio;

// The client, and the thread that it lives on. Everything of it is touched by that thread only.
class BlockingClient::Core {
 public:
  explicit Core(Options options)
      : client_(std::make_unique<Client>(io_.get_executor(), std::move(options))),
        thread_([this] { io_.run(); }) {}

  ~Core() {
    work_.reset();
    thread_.join();
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Runs a coroutine to its end; what it refers to lives until then.
  template <class Make>
  auto wait_for(Make make) {
    std::optional<typename decltype(make())::value_type> result;
    auto keep = [&]() -> asio::awaitable<void> { result.emplace(co_await make()); };
    asio::co_spawn(io_, std::move(keep), asio::use_future).get();
    return std::move(*result);
  }
  // Does something short between the client's steps.
  template <class Do>
  auto do_now(Do work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    return asio::post(io_, std::move(task)).get();
  }

  template <class Call>
  auto run(Call call) {
    return wait_for([&] { return call(*client_); });
  }
  template <class Look>
  auto look(Look look) {
    return do_now([&] { return look(*client_); });
  }
  void close() { asio::co_spawn(io_, client_->close(), asio::use_future).get(); }
  // The last call: ends the connection without a word, and every subscription.
  void end() {
    do_now([this] { client_.reset(); });
  }

 private:
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<Client> client_;
  std::thread thread_;
};

struct BlockingSubscription::Queue {
  std::shared_ptr<BlockingClient::Core> core;
  std::shared_ptr<Subscription> events;
};

BlockingClient::BlockingClient(Options options)
    : core_(std::make_shared<Core>(std::move(options))) {}
BlockingClient::~BlockingClient() { core_->end(); }

Status BlockingClient::connect(Limit limit) {
  return core_->run([&](Client& client) { return client.connect(limit); });
}
void BlockingClient::close() { core_->close(); }

bool BlockingClient::is_open() {
  return core_->look([](Client& client) { return client.is_open(); });
}
bool BlockingClient::is_connected() {
  return core_->look([](Client& client) { return client.is_connected(); });
}
std::optional<wire::PigeonholeGeometry> BlockingClient::geometry() {
  return core_->look([](Client& client) {
    const wire::PigeonholeGeometry* geometry = client.geometry();
    return geometry ? std::optional(*geometry) : std::nullopt;
  });
}
std::optional<wire::SphinxGeometry> BlockingClient::sphinx_geometry() {
  return core_->look([](Client& client) {
    const wire::SphinxGeometry* geometry = client.sphinx_geometry();
    return geometry ? std::optional(*geometry) : std::nullopt;
  });
}
std::optional<Bytes16> BlockingClient::instance_token() {
  return core_->look([](Client& client) { return client.instance_token(); });
}
DocumentPtr BlockingClient::document() {
  return core_->look([](Client& client) { return client.document(); });
}
std::vector<ServiceId> BlockingClient::services(std::string_view capability) {
  return core_->look([&](Client& client) { return client.services(capability); });
}
BlockingSubscription BlockingClient::subscribe(std::size_t capacity) {
  auto events = core_->look([&](Client& client) { return client.subscribe(capacity); });
  return BlockingSubscription(std::make_shared<BlockingSubscription::Queue>(
      BlockingSubscription::Queue{core_, std::move(events)}));
}

Result<Event> BlockingSubscription::next(Limit limit) {
  return queue_->core->wait_for([&] { return queue_->events->next(limit); });
}
std::uint64_t BlockingSubscription::lost() {
  return queue_->core->do_now([&] { return queue_->events->lost(); });
}

Result<KeyPair> BlockingClient::new_keypair(const Bytes32& seed, Limit limit) {
  return core_->run([&](Client& client) { return client.new_keypair(seed, limit); });
}
Result<Envelope> BlockingClient::encrypt_read(const ReadCap& read_cap, const BoxIndex& index,
                                              Limit limit) {
  return core_->run([&](Client& client) { return client.encrypt_read(read_cap, index, limit); });
}
Result<Envelope> BlockingClient::encrypt_write(ByteView plaintext, const WriteCap& write_cap,
                                               const BoxIndex& index, Limit limit) {
  return core_->run(
      [&](Client& client) { return client.encrypt_write(plaintext, write_cap, index, limit); });
}
Result<Envelope> BlockingClient::encrypt_tombstone(const WriteCap& write_cap, const BoxIndex& index,
                                                   Limit limit) {
  return core_->run(
      [&](Client& client) { return client.encrypt_tombstone(write_cap, index, limit); });
}
Result<TombstoneRange> BlockingClient::tombstone_range(const WriteCap& write_cap,
                                                       const BoxIndex& start, std::uint32_t count,
                                                       Limit limit) {
  return core_->run(
      [&](Client& client) { return client.tombstone_range(write_cap, start, count, limit); });
}
Result<CopyElements> BlockingClient::create_courier_envelopes_from_payload(
    const Destination& destination, bool is_start, bool is_last, Limit limit) {
  return core_->run([&](Client& client) {
    return client.create_courier_envelopes_from_payload(destination, is_start, is_last, limit);
  });
}
Result<CopyElements> BlockingClient::create_courier_envelopes_from_multi_payload(
    const std::vector<Destination>& destinations, const StreamPart& part, Limit limit) {
  return core_->run([&](Client& client) {
    return client.create_courier_envelopes_from_multi_payload(destinations, part, limit);
  });
}
Result<CopyElements> BlockingClient::create_courier_envelopes_from_tombstone_range(
    const WriteCap& write_cap, const BoxIndex& start, std::uint32_t count, const StreamPart& part,
    Limit limit) {
  return core_->run([&](Client& client) {
    return client.create_courier_envelopes_from_tombstone_range(write_cap, start, count, part,
                                                                limit);
  });
}
Result<BoxIndex> BlockingClient::next_message_box_index(const BoxIndex& index, Limit limit) {
  return core_->run([&](Client& client) { return client.next_message_box_index(index, limit); });
}
Result<std::uint64_t> BlockingClient::message_box_index_counter(const BoxIndex& index,
                                                                Limit limit) {
  return core_->run([&](Client& client) { return client.message_box_index_counter(index, limit); });
}
Result<SignedDocument> BlockingClient::get_pki_document(std::uint64_t epoch, Limit limit) {
  return core_->run([&](Client& client) { return client.get_pki_document(epoch, limit); });
}
Result<std::vector<wire::DirectoryAuthority>> BlockingClient::directory_authorities(Limit limit) {
  return core_->run([&](Client& client) { return client.directory_authorities(limit); });
}
Result<MintedVoucher> BlockingClient::voucher_mint(const WriteCap& message_write_cap,
                                                   std::string display_name, Limit limit) {
  return core_->run(
      [&](Client& client) { return client.voucher_mint(message_write_cap, display_name, limit); });
}
Result<InductedVoucher> BlockingClient::voucher_induct(const Bytes32& voucher, ByteView payload,
                                                       ByteView who_reply, Limit limit) {
  return core_->run(
      [&](Client& client) { return client.voucher_induct(voucher, payload, who_reply, limit); });
}
Result<OpenedVoucher> BlockingClient::voucher_open(const SecretBytes& secret_key,
                                                   ByteView sealed_reply,
                                                   const WriteCap& message_write_cap, Limit limit) {
  return core_->run([&](Client& client) {
    return client.voucher_open(secret_key, sealed_reply, message_write_cap, limit);
  });
}
Result<KeyPair> BlockingClient::voucher_derive_stream(const Bytes32& voucher, Limit limit) {
  return core_->run([&](Client& client) { return client.voucher_derive_stream(voucher, limit); });
}
Result<MessageSent> BlockingClient::send_message(const ServiceId& to, ByteView payload,
                                                 Limit limit) {
  return core_->run([&](Client& client) { return client.send_message(to, payload, limit); });
}
Result<MessageReply> BlockingClient::send_and_wait(const ServiceId& to, ByteView payload,
                                                   Limit limit) {
  return core_->run([&](Client& client) { return client.send_and_wait(to, payload, limit); });
}
Result<ResendResult> BlockingClient::start_write(const Envelope& envelope,
                                                 const WriteCap& write_cap, WriteOptions options,
                                                 Limit limit) {
  return core_->run(
      [&](Client& client) { return client.start_write(envelope, write_cap, options, limit); });
}
Result<ResendResult> BlockingClient::start_read(const Envelope& envelope, const ReadCap& read_cap,
                                                const BoxIndex& index, ReadOptions options,
                                                Limit limit) {
  return core_->run(
      [&](Client& client) { return client.start_read(envelope, read_cap, index, options, limit); });
}
Result<CopyResult> BlockingClient::start_copy(const WriteCap& write_cap, const ServiceId& courier,
                                              Limit limit) {
  return core_->run([&](Client& client) { return client.start_copy(write_cap, courier, limit); });
}
Status BlockingClient::cancel(const Bytes32& envelope_hash, Limit limit) {
  return core_->run([&](Client& client) { return client.cancel(envelope_hash, limit); });
}
Status BlockingClient::cancel_copy(const Bytes32& write_cap_hash, Limit limit) {
  return core_->run([&](Client& client) { return client.cancel_copy(write_cap_hash, limit); });
}

}  // namespace taubenpost::thin
