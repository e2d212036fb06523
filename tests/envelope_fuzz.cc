// Fuzzes what travels between client, courier and replica: what is understood is the same bytes
// after encoding it.
#include "bacap/padding.h"
#include "bacap/wire.h"

using namespace taubenpost;

namespace {

template <class T>
void same(ByteView bytes, const Result<bacap::Parsed<T>>& parsed) {
  if (!parsed) return;
  TP_CHECK(parsed->used <= bytes.size());
  TP_CHECK(equal(bacap::encode(parsed->value), bytes.first(parsed->used)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  same(bytes, bacap::parse_courier_query(bytes));
  same(bytes, bacap::parse_courier_query_reply(bytes));
  same(bytes, bacap::parse_replica_inner_message(bytes));
  same(bytes, bacap::parse_replica_inner_reply(bytes));
  const auto box = bacap::parse_box(bytes);
  if (box) TP_CHECK(equal(bacap::encode_box(box->value), bytes.first(box->used)));
  static_cast<void>(bacap::unpad(bytes));
  return 0;
}
