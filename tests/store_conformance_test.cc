// Every implementation keeps the contract of ports::Store.
#include "support/store_conformance.h"

#include "support/memory_store.h"
#include "support/store_dir.h"

namespace taubenpost {
namespace {

class RocksMaker {
 public:
  std::unique_ptr<ports::Store> open() {
    Result<std::unique_ptr<RocksStore>> store = made_ ? dir_.open() : dir_.create();
    TP_CHECK(store);
    made_ = true;
    return std::move(*store);
  }

 private:
  StoreDir dir_;
  bool made_ = false;
};

class MemoryMaker {
 public:
  std::unique_ptr<ports::Store> open() { return std::make_unique<MemoryStore>(rows_); }

 private:
  const std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, StoreConformance, RocksMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryMaker);

}  // namespace
}  // namespace taubenpost
