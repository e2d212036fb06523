// Where the daemon listens: the file thinclient.toml, or an address made by the program.
//
// The file is read strictly (thin-protocol 1.2): unknown keys, other spellings, a missing address
// and more than one table are errors that name the line and the key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace taubenpost::thin {

// A socket file. Not empty, at most 107 bytes.
struct UnixPath {
  std::string path;
  bool operator==(const UnixPath&) const = default;
};
// A Linux abstract name, written "@name"; `name` is without the "@". 1 to 106 bytes.
struct AbstractName {
  std::string name;
  bool operator==(const AbstractName&) const = default;
};
enum class TcpFamily : std::uint8_t { kAny, kIpv4, kIpv6 };
// Host name or address literal (without brackets) and port. Every address of a name is tried.
struct TcpAddress {
  std::string host;
  std::uint16_t port = 0;
  TcpFamily family = TcpFamily::kAny;
  bool operator==(const TcpAddress&) const = default;
};

using DialAddress = std::variant<UnixPath, AbstractName, TcpAddress>;

// The text of a thinclient.toml; `name` is the file's name for messages. Errors: kUsage.
Result<DialAddress> parse_config(std::string_view text, std::string_view name);
// Errors: kNotFound, kIo (can't be read), kUsage (also larger than 64 KiB).
Result<DialAddress> load_config(const std::string& path);

// "unix:PATH", "unix:@NAME" or "tcp:HOST:PORT" (IPv6 in brackets). Errors: kUsage.
Result<DialAddress> parse_address(std::string_view text);
// The form that parse_address() reads.
std::string to_string(const DialAddress& address);

}  // namespace taubenpost::thin
