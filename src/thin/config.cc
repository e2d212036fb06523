#include "thin/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <optional>

#include "base/bytes.h"

namespace taubenpost::thin {
namespace {

constexpr std::size_t kConfigSizeMax = 64 * 1024;
constexpr std::size_t kPathMax = 4096;
constexpr std::size_t kSocketPathMax = 107;    // sockaddr_un::sun_path less its final NUL
constexpr std::size_t kAbstractNameMax = 106;  // one more goes for the leading NUL
constexpr std::size_t kHostMax = 255;

Error usage(std::string_view name, std::size_t line, const std::string& text) {
  return error(Errc::kUsage, printable(name, kPathMax) + ":" + std::to_string(line) + ": " + text);
}

std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

Result<DialAddress> unix_address(std::string_view text) {
  const bool abstract = text.starts_with('@');
  if (abstract) text.remove_prefix(1);
  if (text.empty()) return error(Errc::kUsage, "empty socket name");
  const std::size_t size_max = abstract ? kAbstractNameMax : kSocketPathMax;
  if (text.size() > size_max)
    return error(Errc::kUsage, "socket name longer than " + std::to_string(size_max) + " bytes");
  if (text.find('\0') != std::string_view::npos)
    return error(Errc::kUsage, "socket name with a zero byte");
  if (abstract) return DialAddress{AbstractName{std::string(text)}};
  return DialAddress{UnixPath{std::string(text)}};
}

Result<DialAddress> tcp_address(std::string_view text, TcpFamily family) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error(Errc::kUsage, "not host:port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return error(Errc::kUsage, "an IPv6 address needs brackets");
  }
  if (host.empty() || host.size() > kHostMax) return error(Errc::kUsage, "not host:port");
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end || port == 0)
    return error(Errc::kUsage, "port must be 1 to 65535");
  return DialAddress{TcpAddress{std::string(host), port, family}};
}

std::optional<TcpFamily> family_named(std::string_view text) {
  if (text.empty() || text == "tcp") return TcpFamily::kAny;
  if (text == "tcp4") return TcpFamily::kIpv4;
  if (text == "tcp6") return TcpFamily::kIpv6;
  return std::nullopt;
}

// The reader of one file: every message needs the file's name.
class ConfigReader {
 public:
  explicit ConfigReader(std::string_view name) : name_(name) {}

  Result<DialAddress> file(const toml::table& root) const {
    TP_TRY(only(root, "", {"Dial"}));
    const toml::table* dial = root["Dial"].as_table();
    if (dial == nullptr) return usage(name_, 1, "no table [Dial]");
    TP_TRY(only(*dial, "Dial.", {"Unix", "Tcp"}));
    if (dial->size() != 1)
      return usage(name_, line_of(*dial), "Dial needs exactly one of Dial.Unix and Dial.Tcp");
    const auto first = dial->begin();  // holds what the reference below refers to
    const auto& [key, node] = *first;
    const toml::table* chosen = node.as_table();
    if (chosen == nullptr)
      return usage(name_, line_of(node), "Dial." + std::string(key.str()) + " must be a table");
    return key.str() == "Unix" ? unix_dial(*chosen) : tcp_dial(*chosen);
  }

 private:
  Result<DialAddress> unix_dial(const toml::table& table) const {
    TP_TRY(only(table, "Dial.Unix.", {"Address"}));
    auto text = string_at(table, "Dial.Unix", "Address");
    if (!text) return text.error();
    return with_place(unix_address(*text), table, "Dial.Unix.Address");
  }

  Result<DialAddress> tcp_dial(const toml::table& table) const {
    TP_TRY(only(table, "Dial.Tcp.", {"Address", "Network"}));
    auto text = string_at(table, "Dial.Tcp", "Address");
    if (!text) return text.error();
    TcpFamily family = TcpFamily::kAny;
    if (table.contains("Network")) {
      auto network = string_at(table, "Dial.Tcp", "Network");
      if (!network) return network.error();
      const std::optional<TcpFamily> named = family_named(*network);
      if (!named)
        return usage(name_, line_of(*table.get("Network")),
                     "Dial.Tcp.Network must be tcp, tcp4 or tcp6");
      family = *named;
    }
    return with_place(tcp_address(*text, family), table, "Dial.Tcp.Address");
  }

  Result<std::string> string_at(const toml::table& table, const std::string& path,
                                std::string_view key) const {
    const toml::node* node = table.get(key);
    const std::string full = path + "." + std::string(key);
    if (node == nullptr) return usage(name_, line_of(table), full + " is missing");
    const auto* text = node->as_string();
    if (text == nullptr) return usage(name_, line_of(*node), full + " must be a string");
    return text->get();
  }

  Result<DialAddress> with_place(Result<DialAddress> address, const toml::table& table,
                                 const std::string& key) const {
    if (address) return address;
    return usage(name_, line_of(*table.get("Address")), key + ": " + address.error().what);
  }

  // Names the first key of `table` that is not in `known`.
  Status only(const toml::table& table, const std::string& prefix,
              std::initializer_list<std::string_view> known) const {
    const toml::node* first = nullptr;
    std::string_view first_key;
    for (const auto& [key, node] : table) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      if (first != nullptr && line_of(*first) <= line_of(node)) continue;
      first = &node;
      first_key = key.str();
    }
    if (first == nullptr) return ok();
    std::string text = "unknown key " + prefix + printable(first_key) + " (known:";
    for (const std::string_view key : known) text += " " + prefix + std::string(key);
    return usage(name_, line_of(*first), text + ")");
  }

  std::string_view name_;
};

}  // namespace

Result<DialAddress> parse_config(std::string_view text, std::string_view name) {
  if (text.size() > kConfigSizeMax)
    return error(Errc::kUsage, printable(name, kPathMax) + ": larger than 64 KiB");
  toml::table root;
  // toml++ reports by exception; it stays in this function.
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& problem) {
    return usage(name, problem.source().begin.line, printable(problem.description()));
  }
  return ConfigReader(name).file(root);
}

Result<DialAddress> load_config(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return error(Errc::kNotFound, "cannot open " + printable(path, kPathMax));
  std::string text(kConfigSizeMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return error(Errc::kIo, "cannot read " + printable(path, kPathMax));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_config(text, path);
}

Result<DialAddress> parse_address(std::string_view text) {
  const std::string shown = printable(text);
  auto named = [&](Result<DialAddress> address) -> Result<DialAddress> {
    if (address) return address;
    return error(Errc::kUsage, "address " + shown + ": " + address.error().what);
  };
  if (text.starts_with("unix:")) return named(unix_address(text.substr(5)));
  if (text.starts_with("tcp:")) return named(tcp_address(text.substr(4), TcpFamily::kAny));
  return error(Errc::kUsage, "address " + shown + " is neither unix:PATH nor tcp:HOST:PORT");
}

std::string to_string(const DialAddress& address) {
  if (const auto* path = std::get_if<UnixPath>(&address)) return "unix:" + path->path;
  if (const auto* name = std::get_if<AbstractName>(&address)) return "unix:@" + name->name;
  const auto& tcp = std::get<TcpAddress>(address);
  const bool literal = tcp.host.find(':') != std::string::npos;
  return "tcp:" + (literal ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
}

}  // namespace taubenpost::thin
