#include "app/state_dir.h"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "base/bytes.h"
#include "store/durable_file.h"
#include "store/rocks_store.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConfigSizeMax = 64 * 1024;
constexpr std::size_t kPathMax = 4096;
constexpr std::array<std::string_view, 10> kOurNames{
    "config.toml",     "config.toml.new", "store.key",    "store.key.new", "incarnation",
    "incarnation.new", "store.db",        "store.db.new", "spool",         "reserve"};

// Every key of config.toml: all are absolute paths.
struct ConfigKey {
  std::string_view name;
  std::string& (*of)(Config&);
  bool unlocks = true;  // at most one of these

  std::string in(Config config) const { return of(config); }
};
constexpr std::array kConfigKeys{
    ConfigKey{"key_file", [](Config& c) -> std::string& { return c.key.key_file; }},
    ConfigKey{"passphrase_command",
              [](Config& c) -> std::string& { return c.key.passphrase_command; }},
    ConfigKey{"passphrase_file", [](Config& c) -> std::string& { return c.key.passphrase_file; }},
    ConfigKey{"thin_config", [](Config& c) -> std::string& { return c.thin_config; }, false}};

// $`variable`, or $HOME/`below`; then "/taubenpost" follows.
Result<std::string> xdg_folder(const char* variable, const char* below) {
  const char* folder = std::getenv(variable);
  // A relative path there is to be ignored (XDG base directory specification).
  if (folder != nullptr && folder[0] == '/') return std::string(folder) + "/taubenpost";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/" + below + "/taubenpost";
  return error(Errc::kUsage, std::string("neither ") + variable + " nor HOME is set",
               "name the place with an option");
}

std::string config_path(const std::string& state_dir) { return state_dir + "/config.toml"; }

bool is_our_name(const std::string& name) {
  for (const std::string_view ours : kOurNames)
    if (name == ours) return true;
  return false;
}

// An existing directory is taken over only if it is ours and holds nothing but what init makes.
Status usable(const std::string& state_dir) {
  struct stat info{};
  if (::stat(state_dir.c_str(), &info) != 0) {
    if (errno == ENOENT) return ok();
    return error(Errc::kIo, printable(state_dir) + ": " + std::generic_category().message(errno));
  }
  if (!S_ISDIR(info.st_mode))
    return error(Errc::kRefused, printable(state_dir) + ": is not a directory",
                 "name another state directory with --state-dir");
  if (info.st_uid != ::geteuid())
    return error(Errc::kRefused, printable(state_dir) + ": belongs to another user",
                 "name another state directory with --state-dir");
  std::error_code code;
  for (auto entry = fs::directory_iterator(state_dir, code); !code && entry != fs::end(entry);
       entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (!is_our_name(name))
      return error(Errc::kRefused,
                   printable(state_dir) + ": holds " + printable(name) +
                       ", which is not of a state directory",
                   "name an empty or new directory with --state-dir");
  }
  if (code) return error(Errc::kIo, printable(state_dir) + ": " + code.message());
  if (::chmod(state_dir.c_str(), 0700) != 0)
    return error(Errc::kIo, printable(state_dir) + ": " + std::generic_category().message(errno));
  return ok();
}

Status write_config(const std::string& state_dir, const Config& config) {
  toml::table table;
  for (const ConfigKey& key : kConfigKeys)
    if (const std::string value = key.in(config); !value.empty()) table.insert(key.name, value);
  std::ostringstream text;
  text << "# How this state directory reaches the Katzenpost client daemon, and is unlocked.\n"
       << table << "\n";
  const std::string path = config_path(state_dir);
  TP_TRY(write_new_file(path, as_bytes(text.str())));
  return rename_new_file(path);
}

}  // namespace

Result<std::string> default_state_dir() { return xdg_folder("XDG_STATE_HOME", ".local/state"); }

Result<std::string> default_thin_config() {
  Result<std::string> folder = xdg_folder("XDG_CONFIG_HOME", ".config");
  if (!folder) return folder.error();
  return *folder + "/thinclient.toml";
}

std::string absolute_path(const std::string& path) {
  std::error_code code;
  const fs::path absolute = fs::absolute(path, code);
  std::string text = (code ? fs::path(path) : absolute).lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<Config> parse_app_config(std::string_view text, std::string_view name) {
  const auto usage = [&](std::size_t line, const std::string& what) {
    return error(Errc::kUsage, printable(name, kPathMax) + ":" + std::to_string(line) + ": " + what,
                 "the file needs a line: thin_config = \"/PATH/thinclient.toml\"");
  };
  toml::table root;
  // toml++ reports by exception; it stays in this function.
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& problem) {
    return usage(problem.source().begin.line, printable(problem.description()));
  }
  Config config;
  for (const auto& [key, node] : root) {
    const std::size_t line = node.source().begin.line;
    const auto known = std::find_if(kConfigKeys.begin(), kConfigKeys.end(),
                                    [&](const ConfigKey& one) { return one.name == key.str(); });
    if (known == kConfigKeys.end())
      return usage(line, "unknown key " + printable(key.str()) +
                             " (known are key_file, passphrase_command, passphrase_file and "
                             "thin_config)");
    const auto* value = node.as_string();
    if (value == nullptr) return usage(line, std::string(known->name) + " must be a string");
    if (!value->get().starts_with('/'))
      return usage(line, std::string(known->name) + " must be an absolute path");
    if (known->unlocks && config.key.ways() > 0)
      return usage(line, "key_file, passphrase_command, passphrase_file: only one can be given");
    known->of(config) = value->get();
  }
  if (config.thin_config.empty()) return usage(1, "thin_config is missing");
  return config;
}

Result<Config> load_app_config(const std::string& state_dir) {
  const std::string path = config_path(state_dir);
  const Result<SmallFile> file = read_small_file(path, kConfigSizeMax);
  std::error_code code;
  if (!file && !fs::exists(fs::path(state_dir) / "store.db", code))
    return error(Errc::kStoreBad, printable(state_dir, kPathMax) + ": no store here",
                 "taubenpost init");
  if (!file && file.error().code == Errc::kInvalid)
    return error(Errc::kUsage, printable(path, kPathMax) + ": not a file of at most 64 KiB",
                 "'taubenpost init' in an empty directory shows what belongs into it");
  if (!file)
    return error(Errc::kStoreBad, "config.toml: " + printable(file.error().what, kPathMax),
                 "'taubenpost init' makes a state directory");
  return parse_app_config(as_text(file->content.view()), path);
}

Result<InitResult> init_state_dir(const std::string& state_dir, const Config& config,
                                  const KeySource& key) {
  TP_TRY(usable(state_dir));
  std::error_code code;
  if (fs::exists(fs::path(state_dir) / "store.db", code)) {
    const Result<Config> present = load_app_config(state_dir);
    if (!present) return present.error();
    if (present->thin_config != config.thin_config)
      return error(Errc::kRefused,
                   printable(state_dir) + ": is initialised with another daemon configuration, " +
                       printable(present->thin_config),
                   "change thin_config in its config.toml, or name another --state-dir");
    if (config.key.ways() > 0 && present->key != config.key)
      return error(Errc::kRefused,
                   printable(state_dir) + ": is initialised, and unlocked otherwise",
                   "'taubenpost key add' adds a way to unlock it");
    return InitResult::kThereAlready;
  }
  TP_TRY(make_private_folder(state_dir));
  // Before the store: where there is a store, there is a configuration.
  TP_TRY(write_config(state_dir, config));
  const auto store = RocksStore::create(state_dir, key);
  if (!store) return store.error();
  return InitResult::kMade;
}

}  // namespace taubenpost
