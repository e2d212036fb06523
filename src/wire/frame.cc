#include "wire/frame.h"

#include <limits>
#include <utility>

#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"

namespace taubenpost::wire {
namespace {

using Kind = CborValue::Kind;

// ---- encoding: one overload of put() per field type -------------------------------------------
template <class Message>
void put_message(CborWriter& out, const Message& message);

void put(CborWriter& out, bool v) { out.boolean(v); }
void put(CborWriter& out, std::uint8_t v) { out.number(v); }
void put(CborWriter& out, std::uint32_t v) { out.number(v); }
void put(CborWriter& out, std::uint64_t v) { out.number(v); }
void put(CborWriter& out, std::int64_t v) { out.signed_number(v); }
void put(CborWriter& out, const std::string& v) { out.text(v); }
void put(CborWriter& out, const Bytes& v) { out.bytes(v); }
void put(CborWriter& out, const NothingButNull&) { out.null(); }
template <std::size_t N>
void put(CborWriter& out, const std::array<std::uint8_t, N>& v) {
  out.bytes(v);
}
template <class Message>
  requires requires { Message::kKey; }
void put(CborWriter& out, const Message& v) {
  put_message(out, v);
}
template <class T>
void put(CborWriter& out, const std::optional<T>& v);
template <class T>
void put(CborWriter& out, const std::vector<T>& v) {
  out.array(v.size());
  for (const T& element : v) put(out, element);
}
template <class T>
void put(CborWriter& out, const std::optional<T>& v) {
  if (v) put(out, *v);
  if (!v) out.null();
}

bool is_empty(bool v) { return !v; }
bool is_empty(std::uint8_t v) { return v == 0; }
bool is_empty(std::uint64_t v) { return v == 0; }
bool is_empty(const std::string& v) { return v.empty(); }
template <class T>
bool is_empty(const std::optional<T>& v) {
  return !v.has_value();
}

struct CountFields {
  std::size_t count = 0;
  template <class T>
  void operator()(std::string_view, const T&) {
    ++count;
  }
  template <class T>
  void operator()(std::string_view, const Omitted<T>& v) {
    if (!is_empty(v.value)) ++count;
  }
};
struct PutFields {
  CborWriter& out;
  template <class T>
  void operator()(std::string_view key, const T& v) {
    out.text(key);
    put(out, v);
  }
  template <class T>
  void operator()(std::string_view key, const Omitted<T>& v) {
    if (is_empty(v.value)) return;
    out.text(key);
    put(out, v.value);
  }
};

template <class Message>
void put_message(CborWriter& out, const Message& message) {
  CountFields counted;
  Message::fields(message, counted);
  out.map(counted.count);
  PutFields writer{out};
  Message::fields(message, writer);
}

// ---- decoding: one overload of get() per field type; false: wrong type or size -----------------
template <class Message>
bool get_message(const CborValue& in, Message& message);

bool get(const CborValue& in, bool& v) {
  if (in.is(Kind::kNull)) return true;
  v = in.number != 0;
  return in.is(Kind::kBool);
}
template <std::unsigned_integral Int>
bool get(const CborValue& in, Int& v) {
  if (in.is(Kind::kNull)) return true;
  if (!in.is(Kind::kUnsigned) || in.number > std::numeric_limits<Int>::max()) return false;
  v = static_cast<Int>(in.number);
  return true;
}
bool get(const CborValue& in, std::int64_t& v) {
  if (in.is(Kind::kNull)) return true;
  if (in.is(Kind::kFloat)) {  // times may be floats
    if (!(in.real > -9.2e18 && in.real < 9.2e18)) return false;
    v = static_cast<std::int64_t>(in.real);
    return true;
  }
  const std::optional<std::int64_t> number = in.as_int64();
  if (number) v = *number;
  return number.has_value();
}
bool get(const CborValue& in, std::string& v) {
  if (in.is(Kind::kNull)) return true;
  v = std::string(in.text());
  return in.is(Kind::kText);
}
bool get(const CborValue& in, Bytes& v) {
  std::optional<Bytes> bytes = in.byte_string();
  if (bytes) v = *std::move(bytes);
  return bytes.has_value();
}
template <std::size_t N>
bool get(const CborValue& in, std::array<std::uint8_t, N>& v) {
  if (in.is(Kind::kNull)) return true;
  // Capabilities and indices are byte strings or nothing; ids and hashes may be integers, too.
  if (N > 32 && !in.is(Kind::kBytes)) return false;
  Bytes bytes;
  if (!get(in, bytes) || bytes.size() != N) return false;
  v = to_array<N>(bytes);
  return true;
}
bool get(const CborValue& in, NothingButNull&) { return in.is(Kind::kNull); }
template <class Message>
  requires requires { Message::kKey; }
bool get(const CborValue& in, Message& v) {
  return in.is(Kind::kNull) || get_message(in, v);
}
template <class T>
bool get(const CborValue& in, std::optional<T>& v);
template <class T>
bool get(const CborValue& in, std::vector<T>& v) {
  if (!in.is(Kind::kArray)) return false;
  for (const CborValue& element : in.items)
    if (!get(element, v.emplace_back())) return false;
  return true;
}
template <class T>
bool get(const CborValue& in, std::optional<T>& v) {
  v.reset();
  if (in.is(Kind::kNull)) return true;
  return get(in, v.emplace());
}
template <class T>
bool get(const CborValue& in, Omitted<T>& v) {
  return get(in, v.value);
}

// The length of an id or hash; 0 for other fields.
template <class T>
constexpr std::size_t kIdSize = 0;
template <>
constexpr std::size_t kIdSize<Bytes16> = 16;
template <>
constexpr std::size_t kIdSize<Id16> = 16;
template <>
constexpr std::size_t kIdSize<Hash32> = 32;
template <>
constexpr std::size_t kIdSize<Omitted<Hash32>> = 32;

CborValue padded(const CborValue& in, std::size_t size) {
  std::optional<Bytes> bytes = in.byte_string();
  if (!bytes) return in;
  bytes->resize(size);
  CborValue out;
  out.kind = Kind::kBytes;
  out.bytes = *std::move(bytes);
  return out;
}

struct GetFields {
  const CborValue& in;
  Ids ids;
  std::string_view bad;  // the key of the first malformed field
  template <class T>
  void operator()(const char* key, T& v) {
    const CborValue* found = in.find(key);
    if (found == nullptr) return;
    const bool pads = kIdSize<T> > 0 && ids == Ids::kPadded;
    const bool is_good = pads ? get(padded(*found, kIdSize<T>), v) : get(*found, v);
    if (!is_good && bad.empty()) bad = key;
  }
};

// Reads a message; returns the key of the first field that is malformed, empty if there is none.
template <class Message>
std::string_view bad_field(const CborValue& in, Message& message, Ids ids = Ids::kExact) {
  if (!in.is(Kind::kMap)) return "not a map";
  GetFields reader{in, ids, {}};
  Message::fields(message, reader);
  return reader.bad;
}
template <class Message>
bool get_message(const CborValue& in, Message& message) {
  return bad_field(in, message).empty();
}

// ---- the top level -----------------------------------------------------------------------------
Result<SecretBytes> framed(Bytes body) {
  SecretBytes secret(std::move(body));
  if (secret.size() > kFrameMax)
    return error(Errc::kRejected, "a message of " + std::to_string(secret.size()) +
                                      " bytes is longer than a frame may be");
  Bytes frame;
  frame.reserve(kFrameHeader + secret.size());
  append_be(frame, static_cast<std::uint32_t>(secret.size()));
  append(frame, secret.view());
  return SecretBytes(std::move(frame));
}

template <std::size_t I = 0>
void put_all_keys(CborWriter& out, const Response& response) {
  if constexpr (I < kResponseKeys) {
    using Message = std::variant_alternative_t<I, Response>;
    out.text(Message::kKey);
    if (const auto* set = std::get_if<I>(&response)) put_message(out, *set);
    if (response.index() != I) out.null();
    put_all_keys<I + 1>(out, response);
  }
}

Error malformed(std::string_view key) {
  return error(Errc::kInvalid, "malformed message: " + std::string(key));
}

// Reads `inner` as the alternative whose key is `key`; the key must be one of the first `Count`.
template <class Variant, std::size_t Count, std::size_t I = 0>
Result<Variant> read_as(std::string_view key, const CborValue& inner, Ids ids = Ids::kExact) {
  if constexpr (I < Count) {
    using Message = std::variant_alternative_t<I, Variant>;
    if (key != Message::kKey) return read_as<Variant, Count, I + 1>(key, inner, ids);
    Message message;
    if (const std::string_view bad = bad_field(inner, message, ids); !bad.empty())
      return malformed(std::string(key) + ": " + std::string(bad));
    return Variant(std::in_place_index<I>, std::move(message));
  }
  TP_CHECK(false);
}

// The value of a top-level key; null if it is missing or null.
const CborValue* set_key(const CborValue& top, std::string_view key) {
  const CborValue* inner = top.find(key);
  return inner == nullptr || inner->is(Kind::kNull) ? nullptr : inner;
}

template <std::size_t I = 0>
Result<Response> first_response(const CborValue& top) {
  if constexpr (I < kResponseKeys) {
    constexpr std::string_view kKey = std::variant_alternative_t<I, Response>::kKey;
    if (const CborValue* inner = set_key(top, kKey))
      return read_as<Response, kResponseKeys>(kKey, *inner);
    return first_response<I + 1>(top);
  }
  return Response(UnknownResponse{});
}

// The daemon's preference where several keys are set (3.0).
constexpr std::string_view kPreference[] = {"thin_close",
                                            "session_token",
                                            "new_keypair",
                                            "encrypt_read",
                                            "encrypt_write",
                                            "cancel_resending_encrypted_message",
                                            "cancel_resending_copy_command",
                                            "next_message_box_index",
                                            "get_message_box_index_counter",
                                            "get_pki_document",
                                            "get_directory_authorities",
                                            "create_courier_envelopes_from_payload",
                                            "create_courier_envelopes_from_multi_payload",
                                            "create_courier_envelopes_from_tombstone_range",
                                            "voucher_mint",
                                            "voucher_induct",
                                            "voucher_open",
                                            "voucher_derive_stream",
                                            "send_message",
                                            "start_resending_encrypted_message",
                                            "start_resending_copy_command"};

template <class Message>
Id16 query_id(const Message& message) {
  if constexpr (requires { message.query_id; }) return message.query_id;
  return std::nullopt;
}

}  // namespace

Result<std::size_t> frame_body_size(ByteView header) {
  TP_CHECK(header.size() == kFrameHeader);
  const std::size_t size = read_be<std::uint32_t>(header);
  if (size == 0 || size > kFrameMax)
    return error(Errc::kInvalid, "a frame of " + std::to_string(size) + " bytes");
  return size;
}

Result<SecretBytes> encode_request(const Request& request) {
  CborWriter out;
  out.map(1);
  std::visit(
      [&](const auto& message) {
        out.text(message.kKey);
        put_message(out, message);
      },
      request);
  return framed(out.take());
}

Result<SecretBytes> encode_response(const Response& response) {
  CborWriter out;
  out.map(kResponseKeys);
  put_all_keys(out, response);
  return framed(out.take());
}

Result<std::optional<Request>> decode_request(ByteView body, RequestHead* head, Ids ids) {
  Result<CborValue> top = read_cbor(body);
  if (!top) return top.error();
  if (top->is(Kind::kNull)) return std::optional<Request>();
  if (!top->is(Kind::kMap)) return malformed("not a map");
  for (std::size_t i = 0; i < top->items.size(); i += 2)
    if (top->items[i].is(Kind::kBytes)) return malformed("a byte string as key");
  for (const std::string_view key : kPreference) {
    const CborValue* inner = set_key(*top, key);
    if (inner == nullptr) continue;
    if (head != nullptr) {
      head->key = std::string(key);
      const CborValue* query = inner->find("query_id");
      if (query != nullptr && !get(*query, head->query_id)) head->query_id.reset();
    }
    Result<Request> request = read_as<Request, std::variant_size_v<Request>>(key, *inner, ids);
    if (!request) return request.error();
    return std::optional<Request>(std::move(request).value());
  }
  return std::optional<Request>();
}

Result<Response> decode_response(ByteView body) {
  Result<CborValue> top = read_cbor(body);
  if (!top) return top.error();
  if (top->is(Kind::kNull)) return Response(UnknownResponse{});
  if (!top->is(Kind::kMap)) return malformed("not a map");
  return first_response(*top);
}

Id16 query_id_of(const Response& response) {
  return std::visit([](const auto& message) { return query_id(message); }, response);
}

Id16 query_id_of(const Request& request) {
  return std::visit([](const auto& message) { return query_id(message); }, request);
}

std::optional<std::uint8_t> error_code_of(const Response& response) {
  return std::visit(
      [](const auto& message) -> std::optional<std::uint8_t> {
        if constexpr (requires { message.error_code; }) return message.error_code;
        return std::nullopt;
      },
      response);
}

}  // namespace taubenpost::wire
