// The local half of the client: keys, indices, envelopes, documents.
#include <utility>

#include "thin/client.h"
#include "thin/impl.h"
#include "thin/reply.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

template <class Reply>
Result<Envelope> envelope_of(const char* call, Result<wire::Response> response) {
  Result<Reply> reply = expect<Reply>(call, std::move(response));
  if (!reply) return reply.error();
  if (!reply->message_ciphertext || !reply->envelope_descriptor || !reply->envelope_hash ||
      !reply->next_message_box_index)
    return incomplete(call);
  return Envelope{std::move(*reply->message_ciphertext),
                  SecretBytes(std::move(*reply->envelope_descriptor)), *reply->envelope_hash,
                  *reply->next_message_box_index};
}

asio::awaitable<Result<Envelope>> tombstone(std::shared_ptr<Client::Impl> impl,
                                            const WriteCap& write_cap, BoxIndex index,
                                            TimePoint deadline) {
  Result<Draft> request =
      Draft::make(wire::EncryptWrite{std::nullopt, Bytes{}, raw(write_cap), index});
  Result<wire::Response> response = co_await impl->call(std::move(request), deadline);
  co_return envelope_of<wire::EncryptWriteReply>("encrypt_tombstone", std::move(response));
}

}  // namespace

asio::awaitable<Result<KeyPair>> Client::new_keypair(const Bytes32& seed, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::NewKeypair{std::nullopt, to_bytes(seed)});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::NewKeypairReply>("new_keypair", std::move(response));
  if (!reply) co_return reply.error();
  if (!reply->write_cap || !reply->read_cap || !reply->first_message_index)
    co_return incomplete("new_keypair");
  KeyPair pair{WriteCap(*reply->write_cap), *reply->read_cap, *reply->first_message_index};
  wipe_message(*reply);
  co_return pair;
}

asio::awaitable<Result<Envelope>> Client::encrypt_read(ReadCap read_cap, BoxIndex index,
                                                       Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::EncryptRead{std::nullopt, read_cap, index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, builder_limit(1)));
  co_return envelope_of<wire::EncryptReadReply>("encrypt_read", std::move(response));
}

asio::awaitable<Result<Envelope>> Client::encrypt_write(ByteView plaintext,
                                                        const WriteCap& write_cap, BoxIndex index,
                                                        Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  const TimePoint deadline = deadline_of(limit, builder_limit(1));
  Result<std::uint64_t> box_max = co_await impl->box_max(deadline);
  if (!box_max) co_return box_max.error();
  if (plaintext.empty()) co_return wrong("encrypt_write: an empty plaintext would delete the box");
  if (plaintext.size() > *box_max)
    co_return wrong("encrypt_write: " + std::to_string(plaintext.size()) +
                    " bytes are more than a box holds");
  Result<Draft> request =
      Draft::make(wire::EncryptWrite{std::nullopt, to_bytes(plaintext), raw(write_cap), index});
  Result<wire::Response> response = co_await impl->call(std::move(request), deadline);
  co_return envelope_of<wire::EncryptWriteReply>("encrypt_write", std::move(response));
}

asio::awaitable<Result<Envelope>> Client::encrypt_tombstone(const WriteCap& write_cap,
                                                            BoxIndex index, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await tombstone(impl, write_cap, index, deadline_of(limit, builder_limit(1)));
}

asio::awaitable<Result<TombstoneRange>> Client::tombstone_range(const WriteCap& write_cap,
                                                                BoxIndex start, std::uint32_t count,
                                                                Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;  // the client may be destroyed between the calls
  TP_CO_TRY(check_tombstones(count));
  const TimePoint deadline = deadline_of(limit, builder_limit(count));
  TombstoneRange range;
  range.next = start;
  while (range.envelopes.size() < count) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return caller_cancelled();
    Result<Envelope> envelope = co_await tombstone(impl, write_cap, range.next, deadline);
    if (!envelope) co_return envelope.error();
    range.next = envelope->next;
    range.envelopes.push_back(std::move(*envelope));
  }
  co_return range;
}

asio::awaitable<Result<BoxIndex>> Client::next_message_box_index(BoxIndex index, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::NextMessageBoxIndex{std::nullopt, index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply =
      expect<wire::NextMessageBoxIndexReply>("next_message_box_index", std::move(response));
  if (!reply) co_return reply.error();
  if (!reply->next_message_box_index) co_return incomplete("next_message_box_index");
  co_return *reply->next_message_box_index;
}

asio::awaitable<Result<std::uint64_t>> Client::message_box_index_counter(BoxIndex index,
                                                                         Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::GetMessageBoxIndexCounter{std::nullopt, index});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::GetMessageBoxIndexCounterReply>("get_message_box_index_counter",
                                                            std::move(response));
  if (!reply) co_return reply.error();
  co_return reply->counter;
}

asio::awaitable<Result<SignedDocument>> Client::get_pki_document(std::uint64_t epoch, Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::GetPkiDocument{std::nullopt, epoch});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::GetPkiDocumentReply>("get_pki_document", std::move(response));
  if (!reply) co_return reply.error();
  if (!reply->payload) co_return incomplete("get_pki_document");
  co_return SignedDocument{reply->epoch, std::move(*reply->payload)};
}

asio::awaitable<Result<std::vector<wire::DirectoryAuthority>>> Client::directory_authorities(
    Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::GetDirectoryAuthorities{});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply =
      expect<wire::GetDirectoryAuthoritiesReply>("get_directory_authorities", std::move(response));
  if (!reply) co_return reply.error();
  co_return std::move(reply->authorities).value_or(std::vector<wire::DirectoryAuthority>{});
}

}  // namespace taubenpost::thin
