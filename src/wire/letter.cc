#include "wire/letter.h"

#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"

namespace taubenpost::wire {
namespace {

using Kind = CborValue::Kind;

constexpr std::uint64_t kVersion = 1;
constexpr std::uint32_t kModeMax = 07777;
constexpr std::uint64_t kSizeMax = 1ULL << 50;  // no body can be longer
constexpr CborLimits kBoxLimits{.depth_max = 8, .container_max = 256, .items_max = 1024};

Error invalid(std::string_view why) {
  return error(Errc::kInvalid, "an invalid letter: " + std::string(why));
}

bool is_control(std::string_view name, std::size_t i) {
  const auto c = static_cast<std::uint8_t>(name[i]);
  if (c < 0x20 || c == 0x7f) return true;
  const auto at = [&](std::size_t k) {
    return i + k < name.size() ? static_cast<std::uint8_t>(name[i + k]) : std::uint8_t{0};
  };
  if (c == 0xc2) return at(1) < 0xa0;                    // C1 controls
  if (c == 0xd8) return at(1) == 0x9c;                   // U+061C
  if (c == 0xef) return at(1) == 0xbb && at(2) == 0xbf;  // U+FEFF
  if (c != 0xe2) return false;
  const bool marks = at(1) == 0x80 && (at(2) == 0x8e || at(2) == 0x8f);   // U+200E, 200F
  const bool embeds = at(1) == 0x80 && at(2) >= 0xa8 && at(2) <= 0xae;    // U+2028 to 202E
  const bool isolates = at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9;  // U+2066 to 2069
  return marks || embeds || isolates;
}

// Takes known keys out of the map; the first wrong type or value is remembered.
class Fields {
 public:
  explicit Fields(const CborValue& map) : map_(map) {}

  const CborValue* take(std::string_view key, Kind kind, bool required = true) {
    const CborValue* value = exact(key);
    if (value == nullptr && required) fail(std::string(key) + " is missing");
    if (value == nullptr) return nullptr;
    if (value->is(kind)) return value;
    fail(std::string(key) + " has a wrong type");
    return nullptr;
  }
  std::uint64_t number(std::string_view key, std::uint64_t largest) {
    const CborValue* value = take(key, Kind::kUnsigned);
    if (value != nullptr && value->number > largest) fail(std::string(key) + " is too large");
    return value == nullptr ? 0 : value->number;
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array(std::string_view key) {
    const CborValue* value = take(key, Kind::kBytes);
    if (value != nullptr && value->bytes.size() == N) return to_array<N>(value->bytes);
    fail(std::string(key) + " has a wrong length");
    return {};
  }
  std::string text(std::string_view key, bool required = true) {
    const CborValue* value = take(key, Kind::kText, required);
    return value == nullptr ? std::string() : std::string(value->text());
  }
  // Null if the key is missing. Two values for one key would be two letters.
  const CborValue* exact(std::string_view key) {
    const CborValue* found = nullptr;
    for (std::size_t i = 0; i + 1 < map_.items.size(); i += 2) {
      if (!map_.items[i].is(Kind::kText) || map_.items[i].text() != key) continue;
      if (found != nullptr) fail(std::string(key) + " is there twice");
      found = &map_.items[i + 1];
    }
    return found;
  }
  void fail(std::string why) {
    if (failure_.empty()) failure_ = std::move(why);
  }
  const std::string& failure() const { return failure_; }

 private:
  const CborValue& map_;
  std::string failure_;
};

void read_content(Fields& in, Letter& out) {
  const CborValue* data = in.exact("data");
  const CborValue* cap = in.exact("cap");
  if ((data == nullptr) == (cap == nullptr)) return in.fail("not exactly one of data and cap");
  if (data != nullptr) {
    if (!data->is(Kind::kBytes)) return in.fail("data has a wrong type");
    if (data->bytes.size() != out.size) return in.fail("size is not the size of data");
    out.content = data->bytes;
    return;
  }
  BodyRef body;
  body.cap = in.array<kReadCapSize>("cap");
  body.chunk = in.number("chunk", UINT32_MAX);
  body.boxes = in.number("boxes", kSizeMax);
  if (body.chunk == 0 || out.size == 0) return in.fail("a body without bytes");
  if (body.boxes != chunks_for(ByteSize{out.size}, ByteSize{body.chunk}).value())
    in.fail("boxes and size do not fit together");
  out.content = body;
}

// Of a letter, or of the marks of a stream.
template <class Out>
void read_optional(Fields& in, Out& out) {
  if (in.exact("mode") != nullptr)
    out.mode = static_cast<std::uint32_t>(in.number("mode", kModeMax));
  if (const CborValue* mtime = in.exact("mtime")) {
    out.mtime = mtime->as_int64();
    if (!out.mtime) in.fail("mtime has a wrong type or value");
  }
  out.note = in.text("note", /*required=*/false);
  if (out.note.size() > kNoteMax) in.fail("note is too long");
}

LetterKind read_kind(Fields& in) {
  const std::string kind = in.text("kind");
  if (kind != "file" && kind != "tar") in.fail("an unknown kind");
  return kind == "tar" ? LetterKind::kTar : LetterKind::kFile;
}

Result<BoxContent> read_stream_header(const CborValue& map, std::size_t size) {
  Fields in(map);
  Foreign out;
  out.name = in.text("name");
  if (!valid_name(out.name)) in.fail("a name that can't be a file's");
  out.size = in.number("size", kSizeMax);
  out.header_size = size;
  if (in.exact("digest") != nullptr) {
    StreamMarks marks;
    marks.id = in.array<16>("id");
    marks.kind = read_kind(in);
    marks.digest = in.array<32>("digest");
    read_optional(in, marks);
    out.marks = std::move(marks);
  }
  if (!in.failure().empty()) return invalid(in.failure());
  return BoxContent(std::move(out));
}

Result<BoxContent> read_letter(const CborValue& map) {
  Fields in(map);
  Letter out;
  out.id = in.array<16>("id");
  out.name = in.text("name");
  if (!valid_name(out.name)) in.fail("a name that can't be a file's");
  out.kind = read_kind(in);
  const std::string encoding = in.text("enc");
  if (encoding != "none" && encoding != "zstd") in.fail("an unknown enc");
  out.encoding = encoding == "zstd" ? Encoding::kZstd : Encoding::kNone;
  out.size = in.number("size", kSizeMax);
  out.digest = in.array<32>("digest");
  out.usize = in.number("usize", kSizeMax);
  out.udigest = in.array<32>("udigest");
  out.sent = in.number("sent", INT64_MAX);
  out.until = in.number("until", INT64_MAX);
  const bool same = out.size == out.usize && out.digest == out.udigest;
  if (out.encoding == Encoding::kNone && !same) in.fail("sizes or digests differ");
  read_content(in, out);
  read_optional(in, out);
  if (!in.failure().empty()) return invalid(in.failure());
  return BoxContent(std::move(out));
}

Result<BoxContent> read_receipt(const CborValue& map) {
  Fields in(map);
  Receipt out;
  out.id = in.array<16>("id");
  out.status = in.text("status");
  if (out.status.empty() || out.status.size() > kStatusMax) in.fail("status has a wrong length");
  out.time = in.number("time", INT64_MAX);
  if (!in.failure().empty()) return invalid(in.failure());
  return BoxContent(std::move(out));
}

}  // namespace

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || name == "." || name == "..") return false;
  if (!is_utf8(name)) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (name[i] == '/' || name[i] == '\\' || is_control(name, i)) return false;
  return true;
}

// Keys by length of their encoding, then bytewise: the order of RFC 8949 4.2.1 for short text keys.
Bytes encode_letter(const Letter& letter) {
  const auto* body = std::get_if<BodyRef>(&letter.content);
  const std::size_t optional =
      (letter.mode ? 1U : 0U) + (letter.mtime ? 1U : 0U) + (letter.note.empty() ? 0U : 1U);
  CborWriter out;
  out.map(12 + (body != nullptr ? 3U : 1U) + optional);
  out.text("id").bytes(letter.id);
  out.text("tp").number(kVersion);
  if (body != nullptr) out.text("cap").bytes(body->cap);
  out.text("enc").text(letter.encoding == Encoding::kZstd ? "zstd" : "none");
  if (body == nullptr) out.text("data").bytes(std::get<Bytes>(letter.content));
  out.text("kind").text(letter.kind == LetterKind::kTar ? "tar" : "file");
  if (letter.mode) out.text("mode").number(*letter.mode);
  out.text("name").text(letter.name);
  if (!letter.note.empty()) out.text("note").text(letter.note);
  out.text("sent").number(letter.sent);
  out.text("size").number(letter.size);
  out.text("type").text("letter");
  if (body != nullptr) out.text("boxes").number(body->boxes);
  if (body != nullptr) out.text("chunk").number(body->chunk);
  if (letter.mtime) out.text("mtime").signed_number(*letter.mtime);
  out.text("until").number(letter.until);
  out.text("usize").number(letter.usize);
  out.text("digest").bytes(letter.digest);
  out.text("udigest").bytes(letter.udigest);
  return out.take();
}

Bytes encode_receipt(const Receipt& receipt) {
  CborWriter out;
  out.map(5);
  out.text("id").bytes(receipt.id);
  out.text("tp").number(kVersion);
  out.text("time").number(receipt.time);
  out.text("type").text("receipt");
  out.text("status").text(receipt.status);
  return out.take();
}

Bytes encode_stream_header(const std::string& name, std::uint64_t size, const StreamMarks& marks) {
  const std::size_t optional =
      (marks.mode ? 1U : 0U) + (marks.mtime ? 1U : 0U) + (marks.note.empty() ? 0U : 1U);
  CborWriter out;
  out.map(5 + optional);
  out.text("name").text(name);
  out.text("size").number(size);
  out.text("id").bytes(marks.id);
  out.text("kind").text(marks.kind == LetterKind::kTar ? "tar" : "file");
  if (marks.mode) out.text("mode").number(*marks.mode);
  if (!marks.note.empty()) out.text("note").text(marks.note);
  if (marks.mtime) out.text("mtime").signed_number(*marks.mtime);
  out.text("digest").bytes(marks.digest);
  return out.take();
}

Result<BoxContent> decode_box_content(ByteView box) {
  Result<CborPrefix> prefix = read_cbor_prefix(box, kBoxLimits);
  if (!prefix) return prefix.error();
  const CborValue& map = prefix->value;
  if (!map.is(Kind::kMap)) return invalid("not a map");
  Fields in(map);
  const CborValue* version = in.exact("tp");
  if (version == nullptr) return read_stream_header(map, prefix->used);
  if (!version->is(Kind::kUnsigned)) return invalid("tp has a wrong type");
  if (prefix->used != box.size()) return invalid("bytes behind the map");
  const std::string type = in.text("type");
  if (!in.failure().empty()) return invalid(in.failure());
  if (version->number != kVersion)
    return BoxContent(UnknownType{type + " of version " + std::to_string(version->number)});
  if (type == "receipt") return read_receipt(map);
  if (type != "letter") return BoxContent(UnknownType{type});
  return read_letter(map);
}

}  // namespace taubenpost::wire
