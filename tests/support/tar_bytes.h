// TarBytes: tar archives byte by byte, also ones that no tool would write.
#pragma once

#include <cstdio>
#include <string>

#include "base/bytes.h"

namespace taubenpost {

class TarBytes {
 public:
  // Of the entries that follow.
  TarBytes& mode(unsigned bits) {
    mode_ = bits;
    return *this;
  }
  TarBytes& file(const std::string& name, const std::string& content) {
    header(name, '0', content.size(), "");
    return data(content);
  }
  TarBytes& folder(const std::string& name) { return header(name, '5', 0, ""); }
  // '1' and '2': hard and symbolic links, '3', '4' and '6': devices and pipes.
  TarBytes& link(char type, const std::string& name, const std::string& to) {
    return header(name, type, 0, to);
  }
  // The name of the next entry, by GNU's extension.
  TarBytes& long_name(const std::string& name) {
    header("././@LongLink", 'L', name.size() + 1, "");
    return data(name + '\0');
  }
  // A file that says it has so much, and has nothing.
  TarBytes& claim(const std::string& name, std::uint64_t size) {
    return header(name, '0', size, "");
  }
  // A file of holes, by GNU's old extension.
  TarBytes& sparse(const std::string& name, std::uint64_t size) {
    std::string block = block_of(name, 'S', 0, "");
    put(block, 257, std::string("ustar  \0", 8));
    octal(block, 386, 12, size);  // where its only piece of data is, of no bytes
    octal(block, 398, 12, 0);
    octal(block, 483, 12, size);
    return add(std::move(block));
  }
  // With the two empty blocks at the end.
  Bytes take() {
    bytes_.resize(bytes_.size() + 1024);
    return std::move(bytes_);
  }

 private:
  static void put(std::string& block, std::size_t at, const std::string& text) {
    block.replace(at, text.size(), text);
  }
  static void octal(std::string& block, std::size_t at, std::size_t width, std::uint64_t value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%0*llo", static_cast<int>(width - 1),
                  static_cast<unsigned long long>(value));
    put(block, at, std::string(digits).substr(0, width));
  }
  std::string block_of(const std::string& name, char type, std::uint64_t size,
                       const std::string& to) const {
    std::string block(512, '\0');
    put(block, 0, name.substr(0, 100));
    octal(block, 100, 8, mode_);
    octal(block, 108, 8, 0);
    octal(block, 116, 8, 0);
    octal(block, 124, 12, size);
    octal(block, 136, 12, 1'000'000'000);
    block[156] = type;
    put(block, 157, to);
    put(block, 257, std::string("ustar\0", 6) + "00");
    return block;
  }
  TarBytes& header(const std::string& name, char type, std::uint64_t size, const std::string& to) {
    return add(block_of(name, type, size, to));
  }
  TarBytes& add(std::string block) {
    put(block, 148, std::string(8, ' '));
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<std::uint8_t>(c);
    octal(block, 148, 7, sum);
    append(bytes_, as_bytes(block));
    return *this;
  }
  TarBytes& data(const std::string& content) {
    append(bytes_, as_bytes(content));
    bytes_.resize((bytes_.size() + 511) / 512 * 512);
    return *this;
  }

  unsigned mode_ = 0644;
  Bytes bytes_;
};

}  // namespace taubenpost
