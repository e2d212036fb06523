// The table of localnet/box_table.h in memory, for simulations: linked in place of the real one. A
// folder is a name only; nothing outlives the object.
#include <map>

#include "localnet/box_table.h"

namespace taubenpost::localnet {

struct BoxTable::Impl {
  std::map<std::string, std::string> values;
};

Result<std::unique_ptr<BoxTable>> BoxTable::open(const std::string&) {
  return std::unique_ptr<BoxTable>(new BoxTable(std::make_unique<Impl>()));
}

BoxTable::BoxTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoxTable::~BoxTable() = default;

BoxTable::Found BoxTable::get(const std::string& key, std::string& value) const {
  const auto found = impl_->values.find(key);
  if (found == impl_->values.end()) return Found::kNo;
  value = found->second;
  return Found::kYes;
}

bool BoxTable::put(const std::string& key, const std::string& value) {
  impl_->values[key] = value;
  return true;
}

std::vector<std::pair<std::string, std::string>> BoxTable::scan(const std::string& begin,
                                                                const std::string& end,
                                                                std::size_t count) const {
  std::vector<std::pair<std::string, std::string>> out;
  const auto last = impl_->values.lower_bound(end);
  for (auto at = impl_->values.lower_bound(begin); at != last && out.size() < count; ++at)
    out.emplace_back(*at);
  return out;
}

Status BoxTable::drop(const std::string& begin, const std::string& end) {
  impl_->values.erase(impl_->values.lower_bound(begin), impl_->values.lower_bound(end));
  return ok();
}

}  // namespace taubenpost::localnet
