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
  notice(error.what);
  if (!error.hint.empty()) put(stderr, "hint: " + error.hint);
  if (!is_json_) return;
  result("error",
         {{"code", static_cast<int>(error.code)},
          {"exit", status},
          {"what", error.what},
          {"hint", error.hint}},
         {});
}

void Output::progress(const std::string& text) {
  if (is_json_ || ::isatty(STDERR_FILENO) == 0) return;
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
