// Commits from a test: runs the awaitable on an io_context of its own until it is done.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "ports/store.h"

namespace taubenpost {

inline void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

// `store` and `outcome` outlive the coroutine.
inline boost::asio::awaitable<void> commit_into(ports::Store* store, ports::Transaction transaction,
                                                std::optional<Status>* outcome) {
  Status status = co_await store->commit(std::move(transaction));
  *outcome = std::move(status);
}

inline Status commit_now(ports::Store& store, ports::Transaction transaction) {
  boost::asio::io_context io(1);
  std::optional<Status> outcome;
  boost::asio::co_spawn(io, commit_into(&store, std::move(transaction), &outcome), rethrow);
  io.run();
  TP_CHECK(outcome.has_value());
  return *outcome;
}

// The code of an outcome, or nothing for success: what tests compare.
template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

}  // namespace taubenpost
