// Jobs as people and scripts see them: names of states, lines, JSON objects, ids by prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cli/names.h"
#include "cli/output.h"
#include "engine/poll_receipts.h"
#include "ports/store.h"

namespace taubenpost::cli {

// A send job with its recipients, its retraction, and how far they are.
struct SendView {
  SendJobRow row;
  std::vector<RecipientRow> recipients;
  std::optional<RetractJobRow> retraction;
  std::uint64_t boxes_retracted = 0;  // of the body
  std::uint64_t boxes = 0;            // of the body
  std::uint64_t batches = 0;          // of the body
  std::uint64_t boxes_done = 0;       // of the body: in batches that were read back
  std::string blocked;                // why it is held, or empty
  std::uint64_t eta = 0;              // when its body will be out; 0: not known

  bool has_ended() const;     // and its retraction
  std::string state() const;  // may end with ",paused", ",blocked", ",retracting" …
  // "ID STATE NAME -> RECIPIENTS", and ", until about TIME" where that is known.
  std::string line() const;
  std::string progress() const;
  // "ALICE, BERT": who could find the letter before it was retracted.
  std::string may_have_seen() const;
  Json json() const;
  bool waits_until_later(std::uint64_t now) const;  // for `not_before`
};
Result<SendView> view_of(const ports::Store& store, SendJobRow row);  // without `eta`
Result<SendView> view_with_eta(const ports::Store& store, SendJobRow row);
// Somebody has the letter.
bool is_partly_posted(const SendView& job);

// A receive job with what its letter says.
struct ReceiveView {
  ReceiveJobRow row;
  std::string name, note;
  std::uint64_t size = 0;
  std::uint64_t boxes = 0;  // 0: in the letter, or not known before the end of a stream
  std::uint64_t boxes_done = 0;
  bool is_unverified = false;  // a pigeonhole-cp stream: nothing says what its bytes should be

  bool has_ended() const { return taubenpost::has_ended(row.state); }
  std::string line() const;  // "ID STATE NAME <- CHANNEL"; STATE may end with ",unverified"
  std::string progress() const;
  Json json() const;
};
ReceiveView view_of(ReceiveJobRow row);

using JobView = std::variant<SendView, ReceiveView>;
Result<std::vector<JobView>> all_jobs(const ports::Store& store);
// Jobs of this kind are of no interest unless somebody asks: JobWatch passes them over.
bool sends_receipt(const JobView& job);
// By a prefix of its id of at least six characters; kUsage (too short, ambiguous), kNotFound.
Result<JobView> find_job(const ports::Store& store, std::string_view prefix);

// Tells which jobs came to their end since it was made.
class JobWatch {
 public:
  static Result<JobWatch> start(const ports::Store& store);
  struct Ended {
    std::vector<SendView> posted, retracted, send_failed;
    std::vector<ReceiveView> placed, receive_failed;
    std::vector<JobView> unfinished;    // not at their end
    std::vector<ReceiveView> verified;  // all that are not placed yet

    // Jobs that have delivered to somebody, or were retracted.
    std::size_t delivered() const;
    std::size_t failed() const { return send_failed.size() + receive_failed.size(); }
  };
  Result<Ended> ended(const ports::Store& store) const;

 private:
  std::set<std::pair<JobId, bool>> ended_before_;  // whether it was called back by then
};

// `existing`: it was asked for again.
void print(Output& out, const SendView& job, bool existing = false);
void print(Output& out, const ReceiveView& job);
// With a second line: who may have seen what is retracted.
void print_retraction(Output& out, const SendView& job);
// A placed file: path, bytes, channel.
void print_placed(Output& out, const ReceiveView& job);
// Each new one is a line: job, "received", name, channel, time. What was no receipt is counted on
// stderr.
void tell_receipts(Output& out, const ports::Store& store, const ReceiptRound& round);
// The reasons of failed jobs and recipients, on stderr.
void report_failed(Output& out, const JobWatch::Ended& ended);
void report_failed(Output& out, const ReceiveView& job);
// The last line of each unfinished job's history, or when it begins, on stderr.
void report_unfinished(Output& out, const ports::Store& store, const JobWatch::Ended& ended,
                       std::uint64_t now);
// One line about the oldest unfinished job, on a terminal.
void show_progress(Output& out, const ports::Store& store);

}  // namespace taubenpost::cli
