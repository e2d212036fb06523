#include "localnet/buffer_budget.h"

#include <algorithm>

namespace taubenpost::localnet {

void BufferBudget::Share::add(std::size_t bytes) {
  if (closed_ || bytes == 0) return;
  if (held_ == 0) place_ = budget_->holders_.insert(budget_->holders_.end(), this);
  held_ += bytes;
  budget_->held_ += bytes;
  while (budget_->held_ > budget_->limit_) {
    Share& slowest = *budget_->holders_.front();
    slowest.close();
    slowest.give_up_();
  }
}

void BufferBudget::Share::remove(std::size_t bytes) {
  bytes = std::min(bytes, held_);  // nothing is left of a share that had to go
  if (bytes == 0) return;
  held_ -= bytes;
  budget_->held_ -= bytes;
  if (held_ == 0) budget_->holders_.erase(place_);
}

void BufferBudget::Share::progress() {
  if (held_ > 0) budget_->holders_.splice(budget_->holders_.end(), budget_->holders_, place_);
}

void BufferBudget::Share::close() {
  remove(held_);
  closed_ = true;
}

}  // namespace taubenpost::localnet
