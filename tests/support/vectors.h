// Test vectors: JSON files under tests/vectors, byte strings as hex.
//
// each_case runs a function on every case of a file and fails if the file does not have exactly the
// number of cases that the test names: a loop over nothing can't pass.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "support/places.h"

namespace taubenpost::test {

using Json = nlohmann::json;

// `path` is relative to tests/vectors. Throws, and so fails the test, if it can't be read.
inline Json load_vectors(const std::string& path) {
  std::ifstream file(in_source("tests/vectors/") + path);
  return Json::parse(file);
}

inline Bytes hex(const Json& value) {
  return std::move(from_hex(value.get_ref<const std::string&>())).value();
}

template <std::size_t N>
std::array<std::uint8_t, N> hex_array(const Json& value) {
  return to_array<N>(hex(value));
}

template <class Function>
void each_case(const std::string& path, std::size_t count, Function check) {
  const Json file = load_vectors(path);
  std::size_t seen = 0;
  for (const Json& item : file.at("cases")) {
    SCOPED_TRACE(path + ": " + item.at("name").get<std::string>());
    check(item);
    ++seen;
  }
  EXPECT_EQ(seen, count) << path;
}

// The same for the cases whose field `key` is `value`.
template <class Function>
void each_case_where(const std::string& path, const std::string& key, const std::string& value,
                     std::size_t count, Function check) {
  const Json file = load_vectors(path);
  std::size_t seen = 0;
  for (const Json& item : file.at("cases")) {
    if (item.at(key) != value) continue;
    SCOPED_TRACE(path + ": " + item.at("name").get<std::string>());
    check(item);
    ++seen;
  }
  EXPECT_EQ(seen, count) << path << ", " << value;
}

}  // namespace taubenpost::test
