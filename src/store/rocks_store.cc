#include "store/rocks_store.h"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "store/committer.h"
#include "store/open_store.h"
#include "store/row_store.h"

namespace taubenpost {
namespace {

template <class Row>
Result<std::vector<Row>> oldest_first(Result<std::vector<Row>> rows) {
  if (!rows) return rows;
  std::sort(rows->begin(), rows->end(), [](const Row& a, const Row& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  return rows;
}

template <class Row>
Result<std::vector<JobId>> ids_of(const Result<std::vector<Row>>& rows) {
  if (!rows) return rows.error();
  std::vector<JobId> ids;
  for (const Row& row : *rows) ids.push_back(row.id);
  return ids;
}

}  // namespace

// Declared so that the commit thread ends before the database closes.
struct RocksStore::Impl {
  explicit Impl(OpenedStore store)
      : opened(std::move(store)),
        rows(*opened.db, *opened.seal),
        committer(*opened.db, *opened.seal) {}

  // Every read goes through one of these: none answers after a failed write.
  template <class Row>
  Result<Row> get(const RowKey& key) const {
    TP_TRY(committer.usable());
    return rows.get_row<Row>(key);
  }
  template <class Row>
  Result<std::vector<Row>> list(const RowKey& prefix) const {
    TP_TRY(committer.usable());
    return rows.list<Row>(prefix);
  }

  OpenedStore opened;
  RowStore rows;
  Committer committer;
};

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

std::filesystem::path RocksStore::default_key_file(const std::filesystem::path& dir) {
  return dir / "store.key";
}

Result<std::unique_ptr<RocksStore>> RocksStore::create(const std::filesystem::path& dir,
                                                       const KeySource& key, rocksdb::Env* env) {
  TP_TRY(create_store(dir, key, env));
  return open(dir, key, env);
}

Result<std::unique_ptr<RocksStore>> RocksStore::open(const std::filesystem::path& dir,
                                                     const KeySource& key, rocksdb::Env* env) {
  Result<OpenedStore> opened = open_store(dir, key, env);
  if (!opened && opened.error().code == Errc::kDiskFull) opened = open_store_to_look(dir, key, env);
  if (!opened) return opened.error();
  return std::unique_ptr<RocksStore>(new RocksStore(std::make_unique<Impl>(std::move(*opened))));
}

SecretArray<32> RocksStore::spool_key() const { return spool_key_of(impl_->opened); }

bool RocksStore::was_restored() const { return impl_->opened.was_restored; }

Result<StoreIdentityRow> RocksStore::identity() const {
  return impl_->get<StoreIdentityRow>(identity_key());
}

Result<std::vector<JobId>> RocksStore::send_jobs() const { return ids_of(send_job_rows()); }

Result<std::vector<JobId>> RocksStore::receive_jobs() const { return ids_of(receive_job_rows()); }

Result<std::vector<SendJobRow>> RocksStore::send_job_rows() const {
  return oldest_first(impl_->list<SendJobRow>(send_job_prefix()));
}

Result<std::vector<ReceiveJobRow>> RocksStore::receive_job_rows() const {
  return oldest_first(impl_->list<ReceiveJobRow>(receive_job_prefix()));
}

Result<std::vector<RecipientRow>> RocksStore::all_recipients() const {
  return impl_->list<RecipientRow>(recipient_prefix());
}

Result<SendJobRow> RocksStore::send_job(JobId id) const {
  return impl_->get<SendJobRow>(send_job_key(id));
}

Result<ReceiveJobRow> RocksStore::receive_job(JobId id) const {
  return impl_->get<ReceiveJobRow>(receive_job_key(id));
}

Result<std::optional<RetractJobRow>> RocksStore::retract_job(JobId id) const {
  TP_TRY(impl_->committer.usable());
  return impl_->rows.find<RetractJobRow>(retract_job_key(id));
}

Result<std::vector<RetractJobRow>> RocksStore::retract_job_rows() const {
  return impl_->list<RetractJobRow>(retract_job_prefix());
}

Result<std::vector<RecipientRow>> RocksStore::recipients(JobId id) const {
  return impl_->list<RecipientRow>(recipient_prefix(id));
}

Result<std::vector<BatchRow>> RocksStore::batches(JobId id) const {
  return impl_->list<BatchRow>(batch_prefix(id));
}

Result<BatchRow> RocksStore::batch(JobId id, BatchIndex index) const {
  return impl_->get<BatchRow>(batch_key(id, index));
}

Result<std::vector<ElementIndex>> RocksStore::unacknowledged(JobId id, BatchIndex batch,
                                                             Generation generation) const {
  TP_TRY(impl_->committer.usable());
  // The seal of a mark is opened: a forged one would drop an element from the copy stream. The
  // seal of an element is opened when it is read.
  std::set<std::uint32_t> acknowledged;
  TP_TRY(impl_->rows.scan(ack_prefix(id, batch, generation),
                          [&](const RowKey& key, std::string_view value) -> Status {
                            const Result<AckRow> mark = impl_->rows.unseal<AckRow>(key, value);
                            if (!mark) return mark.error();
                            acknowledged.insert(key_tail(key.bytes));
                            return ok();
                          }));
  std::vector<ElementIndex> missing;
  TP_TRY(impl_->rows.scan(element_prefix(id, batch, generation),
                          [&](const RowKey& key, std::string_view) {
                            const std::uint32_t index = key_tail(key.bytes);
                            if (!acknowledged.contains(index))
                              missing.push_back(ElementIndex{index});
                            return ok();
                          }));
  return missing;
}

Result<Bytes> RocksStore::element(JobId id, BatchIndex batch, Generation generation,
                                  ElementIndex index) const {
  Result<ElementRow> row = impl_->get<ElementRow>(element_key(id, batch, generation, index));
  if (!row) return row.error();
  return std::move(row->bytes);
}

Result<std::vector<ChannelRow>> RocksStore::channels() const {
  return impl_->list<ChannelRow>(channel_prefix());
}

Result<ChannelRow> RocksStore::channel(ChannelId id) const {
  return impl_->get<ChannelRow>(channel_key(id));
}

Result<std::optional<InboxRow>> RocksStore::inbox_transfer(ChannelId channel,
                                                           TransferId transfer) const {
  TP_TRY(impl_->committer.usable());
  const Result<std::optional<InboxTransferRow>> place =
      impl_->rows.find<InboxTransferRow>(inbox_transfer_key(channel, transfer));
  if (!place) return place.error();
  if (!*place) return std::optional<InboxRow>();
  return impl_->rows.find<InboxRow>(inbox_key(channel, (*place)->counter));
}

Result<std::vector<InboxRow>> RocksStore::inbox(ChannelId channel) const {
  return impl_->list<InboxRow>(inbox_prefix(channel));
}

Result<std::optional<InboxRow>> RocksStore::inbox_at(ChannelId channel,
                                                     std::uint64_t counter) const {
  TP_TRY(impl_->committer.usable());
  return impl_->rows.find<InboxRow>(inbox_key(channel, counter));
}

Result<std::vector<AwaitedRow>> RocksStore::awaited(ChannelId channel) const {
  return impl_->list<AwaitedRow>(awaited_prefix(channel));
}

Result<std::vector<JournalRow>> RocksStore::journal(JobId id) const {
  return impl_->list<JournalRow>(journal_prefix(id));
}

boost::asio::awaitable<Status> RocksStore::commit(ports::Transaction transaction) {
  const auto submit = [this](Committer::Handler handler, ports::Transaction work) {
    impl_->committer.submit(std::move(work), std::move(handler));
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(Status)>(
      submit, boost::asio::use_awaitable, std::move(transaction));
}

}  // namespace taubenpost
