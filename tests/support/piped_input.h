// PipedInput: an input of a test, in pieces as a pipe gives them.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>

#include "ports/input.h"

namespace taubenpost {

class PipedInput : public ports::Input {
 public:
  explicit PipedInput(Bytes content, std::size_t piece = 5'000)
      : content_(std::move(content)), piece_(piece) {}

  boost::asio::awaitable<Result<Bytes>> read(std::size_t limit) override {
    ++reads;
    if (fail_at && at_ >= *fail_at) co_return error(Errc::kSourceUnreadable, "a broken pipe");
    const std::size_t n = std::min({limit, piece_, content_.size() - at_});
    const auto begin = content_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ += n;
    co_return Bytes(begin, begin + static_cast<std::ptrdiff_t>(n));
  }

  std::size_t reads = 0;
  std::optional<std::size_t> fail_at{};  // instead of the bytes from there on

 private:
  const Bytes content_;
  const std::size_t piece_;
  std::size_t at_ = 0;
};

}  // namespace taubenpost
