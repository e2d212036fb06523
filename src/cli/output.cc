#include "cli/output.h"

#include <unistd.h>

#include <cstdio>

#include "base/bytes.h"

namespace taubenpost::cli {
namespace {

constexpr int kSchema = 1;

std::string dump(const Json& object) {
  // A name may be no UTF-8: shown with replacement characters rather than not at all.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Where whoever made the error had nothing better to say.
std::string_view usual_hint(Errc code) {
  switch (code) {
    case Errc::kUsage:
      return "'taubenpost --help' and 'taubenpost COMMAND --help' say what is possible";
    case Errc::kNotFound:
      return "check the name";
    case Errc::kInvalid:
      return "get it again from where it came";
    case Errc::kStateConflict:
      return "look at it with 'list' or 'channel list'";
    case Errc::kSourceChanged:
      return "send it again when nobody writes to it";
    case Errc::kSourceUnreadable:
    case Errc::kIo:
      return "check the path and its permissions";
    case Errc::kDaemonGone:
      return "is the daemon running? Jobs stay; 'taubenpost serve --until-idle' goes on with them";
    case Errc::kOutcomeUnknown:
    case Errc::kTemporary:
      return "try again later";
    case Errc::kRefused:
      return "docs/errors.md says what is refused";
    case Errc::kDiskFull:
      return "free some space; 'taubenpost serve --until-idle' goes on with all jobs";
    case Errc::kStoreBad:
      return "'taubenpost init' makes a state directory, --state-dir names another one";
    case Errc::kStoreIo:
      return "check the disk; nothing more is written to it";
    case Errc::kLocked:
      return "another process works on it: wait for its end";
    case Errc::kCannotUnlock:
      return "unlock it with a key file or passphrase that was added to this store";
    case Errc::kCancelled:
      return "'taubenpost serve --until-idle' goes on with all jobs";
    case Errc::kRejected:
    case Errc::kNothingToDo:
      return {};
  }
  return {};
}

void put(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fputc('\n', stream);
  std::fflush(stream);
}

}  // namespace

void Output::result(std::string_view type, const Json& fields, const std::string& text) {
  clear_progress();
  if (!is_json_) {
    put(stdout, text);
    return;
  }
  Json object{{"schema", kSchema}, {"type", type}};
  object.update(fields);
  put(stdout, dump(object));
}

void Output::raw_json(const std::string& object) {
  clear_progress();
  put(stdout, object);
}

void Output::notice(const std::string& text) {
  clear_progress();
  put(stderr, "taubenpost: " + text);
}

void Output::fail(const Error& error, int status) {
  const std::string hint = error.hint.empty() ? std::string(usual_hint(error.code)) : error.hint;
  notice(error.what);
  if (!hint.empty()) put(stderr, "hint: " + hint);
  if (!is_json_) return;
  result("error",
         {{"code", static_cast<int>(error.code)},
          {"exit", status},
          {"what", error.what},
          {"hint", hint}},
         {});
}

bool Output::shows_progress() const { return !is_json_ && ::isatty(STDERR_FILENO) != 0; }

void Output::progress(const std::string& text) {
  if (!shows_progress()) return;
  clear_progress();
  std::fputs(text.c_str(), stderr);
  progress_size_ = text.size();
}

void Output::clear_progress() {
  if (progress_size_ == 0) return;
  std::fputs(("\r" + std::string(progress_size_, ' ') + "\r").c_str(), stderr);
  progress_size_ = 0;
}

Status Output::finish() {
  clear_progress();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return error(Errc::kIo, "cannot write to the standard output");
  return ok();
}

}  // namespace taubenpost::cli
