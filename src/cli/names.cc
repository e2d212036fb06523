#include "cli/names.h"

#include "base/check.h"

namespace taubenpost::cli {

std::string_view name_of(SendState state) {
  switch (state) {
    case SendState::kQueued:
      return "queued";
    case SendState::kPreparing:
      return "preparing";
    case SendState::kUploading:
      return "uploading";
    case SendState::kCommitting:
      return "committing";
    case SendState::kPosted:
      return "posted";
    case SendState::kFailed:
      return "failed";
    case SendState::kCancelled:
      return "cancelled";
  }
  TP_CHECK(false);
}

std::string_view name_of(RecipientState state) {
  switch (state) {
    case RecipientState::kPending:
      return "pending";
    case RecipientState::kReserved:
      return "reserved";
    case RecipientState::kPosted:
      return "posted";
    case RecipientState::kConflict:
      return "conflict";
    case RecipientState::kFailed:
      return "failed";
    case RecipientState::kRetracted:
      return "retracted";
  }
  TP_CHECK(false);
}

std::string_view name_of(RetractState state) {
  switch (state) {
    case RetractState::kPlanned:
      return "planned";
    case RetractState::kWriting:
      return "writing";
    case RetractState::kRetracted:
      return "retracted";
    case RetractState::kFailed:
      return "failed";
  }
  TP_CHECK(false);
}

std::string_view name_of(ReceiveState state) {
  switch (state) {
    case ReceiveState::kWaiting:
      return "waiting";
    case ReceiveState::kFetching:
      return "fetching";
    case ReceiveState::kChecking:
      return "checking";
    case ReceiveState::kPlacing:
      return "placing";
    case ReceiveState::kPlaced:
      return "placed";
    case ReceiveState::kFailed:
      return "failed";
    case ReceiveState::kVerified:
      return "verified";
  }
  TP_CHECK(false);
}

std::string_view name_of(Layout layout) { return layout == Layout::kInline ? "inline" : "letters"; }

std::string_view name_of(Way way) { return way == Way::kCopy ? "copy" : "direct"; }

std::string_view name_of(Encoding encoding) {
  return encoding == Encoding::kZstd ? "zstd" : "none";
}

std::string_view name_of(SourceKind kind) {
  switch (kind) {
    case SourceKind::kPath:
      return "path";
    case SourceKind::kInPlace:
      return "in-place";
    case SourceKind::kStandardInput:
      return "stdin";
  }
  return "?";
}

std::string_view name_of(IfExists if_exists) {
  switch (if_exists) {
    case IfExists::kRename:
      return "rename";
    case IfExists::kFail:
      return "fail";
    case IfExists::kReplace:
      return "replace";
  }
  return "?";
}

}  // namespace taubenpost::cli
