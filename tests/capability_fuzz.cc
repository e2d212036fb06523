// Fuzzes capabilities and indices, and what is done with those of a stranger: stepping, mutating,
// opening a box.
#include "bacap/box.h"
#include "bacap/capability.h"

using namespace taubenpost;

namespace {

constexpr std::uint64_t kSteps = 4;

void index(ByteView bytes) {
  const auto index = bacap::MessageBoxIndex::parse(bytes);
  if (!index) return;
  TP_CHECK(equal(index->bytes(), bytes));
  const auto next = index->next();
  TP_CHECK(!next == (index->counter() == UINT64_MAX));
  if (next) TP_CHECK(bacap::is_on_stream(*index, *next, kSteps));
  if (next) TP_CHECK(!bacap::is_on_stream(*next, *index, kSteps));
  TP_CHECK(index->mutated(bytes.first(32)).counter() == index->counter());
}

void read_cap(ByteView bytes) {
  const auto cap = bacap::ReadCap::parse(bytes);
  if (!cap) return;
  TP_CHECK(equal(cap->view(), bytes));
  TP_CHECK(bacap::ReadCap::parse(cap->mutated(bytes.first(32)).view()));
  index(cap->index().bytes());
}

void write_cap(ByteView bytes) {
  const auto cap = bacap::WriteCap::parse(bytes);
  if (!cap) return;
  TP_CHECK(equal(cap->view(), bytes));
  read_cap(cap->read_cap().view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  index(bytes);
  read_cap(bytes);
  write_cap(bytes);
  return 0;
}
