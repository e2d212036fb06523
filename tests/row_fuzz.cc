// Fuzzes the rows of the store: the first byte says which, the rest is decoded. A row that is
// understood is the same bytes after encoding it.
#include "store/row_codec.h"

using namespace taubenpost;

namespace {

template <class Row>
void round_trip(ByteView bytes) {
  const auto row = decode<Row>(bytes);
  if (row) TP_CHECK(equal(encode(*row), bytes));
}

constexpr void (*kRows[])(ByteView) = {
    round_trip<SendJobRow>,    round_trip<RecipientRow>,     round_trip<BatchRow>,
    round_trip<ElementRow>,    round_trip<ChannelRow>,       round_trip<InboxRow>,
    round_trip<ReceiveJobRow>, round_trip<JournalRow>,       round_trip<StoreIdentityRow>,
    round_trip<AckRow>,        round_trip<InboxTransferRow>, round_trip<AwaitedRow>,
    round_trip<RetractJobRow>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kRows[data[0] % std::size(kRows)](ByteView(data, size).subspan(1));
  return 0;
}
