#include "wire/cbor_reader.h"

#include <cbor.h>

#include <algorithm>
#include <limits>

namespace taubenpost::wire {
namespace {

using Kind = CborValue::Kind;

// Builds the tree from the decoder's callbacks, with an explicit stack.
class Builder {
 public:
  explicit Builder(const CborLimits& limits) : limits_(limits) {}

  bool failed() const { return failure_ != nullptr; }
  const char* failure() const { return failure_; }
  bool complete() const { return done_; }
  CborValue take() { return std::move(root_); }

  void scalar(CborValue value) {
    if (in_string()) return fail("a piece of an indefinite string is of another type");
    add(std::move(value));
  }
  void string(Kind kind, ByteView piece) {
    if (in_string()) {
      Open& open = stack_.back();
      if (open.value.kind != kind)
        return fail("a piece of an indefinite string is of another type");
      if (!well_formed(kind, piece)) return fail("text that is not UTF-8");
      append(open.value.bytes, piece);
      return;
    }
    if (!well_formed(kind, piece)) return fail("text that is not UTF-8");
    CborValue value;
    value.kind = kind;
    value.bytes = to_bytes(piece);
    add(std::move(value));
  }
  void open(Kind kind, std::optional<std::uint64_t> size) {
    if (in_string()) return fail("a piece of an indefinite string is of another type");
    const bool is_string = kind == Kind::kBytes || kind == Kind::kText;
    if (!deeper()) return;
    if (size && *size > limits_.container_max) return fail("too many elements");
    Open next;
    next.value.kind = kind;
    next.is_string = is_string;
    if (size) next.left = kind == Kind::kMap ? *size * 2 : *size;
    stack_.push_back(std::move(next));
    if (size && *size == 0) close();
  }
  void tag() {
    if (in_string()) return fail("a tag inside an indefinite string");
    if (!deeper()) return;
    Open next;
    next.is_tag = true;
    next.left = 1;
    stack_.push_back(std::move(next));
  }
  void end() {  // the break of an indefinite item
    if (stack_.empty() || stack_.back().left) return fail("a break without an open item");
    const Open& open = stack_.back();
    if (open.value.kind == Kind::kMap && open.value.items.size() % 2 != 0)
      return fail("a map with a key and no value");
    close();
  }
  void fail(const char* why) {
    if (failure_ == nullptr) failure_ = why;
  }

 private:
  struct Open {
    CborValue value;
    std::optional<std::uint64_t> left;  // items still to come; none: until a break
    bool is_string = false;
    bool is_tag = false;
  };

  bool in_string() const { return !stack_.empty() && stack_.back().is_string; }
  bool deeper() {
    if (stack_.size() < limits_.depth_max) return true;
    fail("nested too deeply");
    return false;
  }
  static bool well_formed(Kind kind, ByteView piece) {
    return kind != Kind::kText || is_utf8(as_text(piece));
  }

  // Hands a finished value to what is open, and closes what is full by that.
  void add(CborValue value) {
    if (failed()) return;
    if (++items_ > limits_.items_max) return fail("too many items");
    if (stack_.empty()) {
      root_ = std::move(value);
      done_ = true;
      return;
    }
    Open& open = stack_.back();
    if (open.is_tag) {
      open.value = std::move(value);
    } else {
      const bool is_map = open.value.kind == Kind::kMap;
      const bool is_key = is_map && open.value.items.size() % 2 == 0;
      if (is_key && value.kind != Kind::kText && value.kind != Kind::kBytes &&
          value.kind != Kind::kUnsigned && value.kind != Kind::kNegative)
        return fail("a map key that is neither text nor integer nor byte string");
      const std::size_t count_max = is_map ? limits_.container_max * 2 : limits_.container_max;
      if (open.value.items.size() >= count_max) return fail("too many elements");
      open.value.items.push_back(std::move(value));
    }
    if (open.left && --*open.left == 0) close();
  }

  void close() {
    CborValue value = std::move(stack_.back().value);
    stack_.pop_back();
    add(std::move(value));
  }

  const CborLimits limits_;
  std::vector<Open> stack_;
  CborValue root_;
  std::size_t items_ = 0;
  bool done_ = false;
  const char* failure_ = nullptr;
};

Builder& builder(void* context) { return *static_cast<Builder*>(context); }

template <class Int>
void on_unsigned(void* context, Int number) {
  CborValue value;
  value.kind = Kind::kUnsigned;
  value.number = number;
  builder(context).scalar(std::move(value));
}
template <class Int>
void on_negative(void* context, Int number) {
  CborValue value;
  value.kind = Kind::kNegative;
  value.number = number;
  builder(context).scalar(std::move(value));
}
template <class Real>
void on_float(void* context, Real real) {
  CborValue value;
  value.kind = Kind::kFloat;
  value.real = static_cast<double>(real);
  builder(context).scalar(std::move(value));
}

cbor_callbacks make_callbacks() {
  cbor_callbacks out = cbor_empty_callbacks;
  out.uint8 = on_unsigned<std::uint8_t>;
  out.uint16 = on_unsigned<std::uint16_t>;
  out.uint32 = on_unsigned<std::uint32_t>;
  out.uint64 = on_unsigned<std::uint64_t>;
  out.negint8 = on_negative<std::uint8_t>;
  out.negint16 = on_negative<std::uint16_t>;
  out.negint32 = on_negative<std::uint32_t>;
  out.negint64 = on_negative<std::uint64_t>;
  out.float2 = on_float<float>;
  out.float4 = on_float<float>;
  out.float8 = on_float<double>;
  out.byte_string = [](void* c, cbor_data data, std::size_t size) {
    builder(c).string(Kind::kBytes, {data, size});
  };
  out.string = [](void* c, cbor_data data, std::size_t size) {
    builder(c).string(Kind::kText, {data, size});
  };
  out.byte_string_start = [](void* c) { builder(c).open(Kind::kBytes, std::nullopt); };
  out.string_start = [](void* c) { builder(c).open(Kind::kText, std::nullopt); };
  out.array_start = [](void* c, std::size_t size) { builder(c).open(Kind::kArray, size); };
  out.indef_array_start = [](void* c) { builder(c).open(Kind::kArray, std::nullopt); };
  out.map_start = [](void* c, std::size_t size) { builder(c).open(Kind::kMap, size); };
  out.indef_map_start = [](void* c) { builder(c).open(Kind::kMap, std::nullopt); };
  out.indef_break = [](void* c) { builder(c).end(); };
  out.tag = [](void* c, std::uint64_t) { builder(c).tag(); };
  out.null = [](void* c) { builder(c).scalar({}); };
  out.undefined = [](void* c) { builder(c).scalar({}); };
  out.boolean = [](void* c, bool truth) {
    CborValue value;
    value.kind = Kind::kBool;
    value.number = truth ? 1 : 0;
    builder(c).scalar(std::move(value));
  };
  return out;
}

Error malformed(std::string_view why) {
  return error(Errc::kInvalid, "malformed CBOR: " + std::string(why));
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return fold(x) == fold(y); });
}

// The length of a simple value that nobody has given a meaning; 0 if `rest` begins with none.
// libcbor refuses these, the daemon's decoder passes over them (thin-protocol 1.6).
std::size_t unassigned_simple(ByteView rest) {
  if (rest.empty()) return 0;
  if (rest[0] >= 0xe0 && rest[0] <= 0xf3) return 1;
  return rest[0] == 0xf8 && rest.size() > 1 && rest[1] >= 32 ? 2 : 0;
}

}  // namespace

std::optional<std::int64_t> CborValue::as_int64() const {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (number > kMax) return std::nullopt;
  if (kind == Kind::kUnsigned) return static_cast<std::int64_t>(number);
  if (kind == Kind::kNegative) return -1 - static_cast<std::int64_t>(number);
  return std::nullopt;
}

std::optional<Bytes> CborValue::byte_string() const {
  if (kind == Kind::kBytes) return bytes;
  if (kind != Kind::kArray) return std::nullopt;
  Bytes out;
  for (const CborValue& element : items) {
    if (element.kind != Kind::kUnsigned || element.number > UINT8_MAX) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(element.number));
  }
  return out;
}

const CborValue* CborValue::find(std::string_view key) const {
  if (kind != Kind::kMap) return nullptr;
  const CborValue* folded = nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != Kind::kText) continue;
    if (items[i].text() == key) return &items[i + 1];
    if (folded == nullptr && same_letters(items[i].text(), key)) folded = &items[i + 1];
  }
  return folded;
}

Result<CborPrefix> read_cbor_prefix(ByteView bytes, const CborLimits& limits) {
  static const cbor_callbacks kCallbacks = make_callbacks();
  Builder tree(limits);
  std::size_t used = 0;
  while (!tree.complete()) {
    if (const std::size_t size = unassigned_simple(bytes.subspan(used)); size > 0) {
      CborValue value;
      value.kind = Kind::kSimple;
      tree.scalar(std::move(value));
      if (tree.failed()) return malformed(tree.failure());
      used += size;
      continue;
    }
    const cbor_decoder_result step = cbor_stream_decode(bytes.data() + used, bytes.size() - used,
                                                        &kCallbacks, static_cast<void*>(&tree));
    if (tree.failed()) return malformed(tree.failure());
    if (step.status == CBOR_DECODER_NEDATA) return malformed("cut short");
    if (step.status != CBOR_DECODER_FINISHED) return malformed("not an encoding");
    used += step.read;
  }
  return CborPrefix{tree.take(), used};
}

Result<CborValue> read_cbor(ByteView bytes, const CborLimits& limits) {
  Result<CborPrefix> prefix = read_cbor_prefix(bytes, limits);
  if (!prefix) return prefix.error();
  if (prefix->used != bytes.size()) return malformed("bytes behind the item");
  return std::move(prefix->value);
}

}  // namespace taubenpost::wire
