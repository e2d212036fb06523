// What the program says: results on stdout, everything else on stderr.
//
// With --json every result is one JSON object on a line of its own, with "schema" and "type" first
// (docs/cli.md); an error is then on stdout as well, as an object of type "error". Text that comes
// from outside must have gone through printable().
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace taubenpost::cli {

using Json = nlohmann::ordered_json;

class Output {
 public:
  void use_json() { is_json_ = true; }
  bool is_json() const { return is_json_; }

  // One of both, by the mode.
  void result(std::string_view type, const Json& fields, const std::string& text);
  // A JSON object made elsewhere, already complete.
  void raw_json(const std::string& object);
  // To stderr, in both modes.
  void notice(const std::string& text);
  void fail(const Error& error, int status);

  bool shows_progress() const;
  // Replaces the progress line; nothing where stderr is no terminal.
  void progress(const std::string& text);
  // kIo if a result could not be written.
  Status finish();

 private:
  void clear_progress();

  bool is_json_ = false;
  std::size_t progress_size_ = 0;
};

}  // namespace taubenpost::cli
