#include "engine/incoming.h"

#include <algorithm>

namespace taubenpost {
namespace {

constexpr std::string_view kArchive = ".tar";

Incoming of_letter(wire::Letter letter) {
  Incoming incoming;
  incoming.name = std::move(letter.name);
  if (letter.kind == wire::LetterKind::kTar) {
    incoming.folder = incoming.name;
    incoming.name += kArchive;
  }
  incoming.size = letter.size;
  incoming.digest = letter.digest;
  if (letter.encoding == Encoding::kZstd)
    incoming.decoded = Fingerprint{letter.usize, letter.udigest};
  incoming.mode = letter.mode;
  incoming.mtime = letter.mtime;
  if (auto* inside = std::get_if<Bytes>(&letter.content)) incoming.content = std::move(*inside);
  if (const auto* body = std::get_if<wire::BodyRef>(&letter.content)) incoming.content = *body;
  return incoming;
}

Incoming of_stream(wire::Foreign header, ByteView box) {
  const ByteView rest = box.subspan(header.header_size);
  Incoming incoming;
  incoming.name = std::move(header.name);
  incoming.size = header.size;
  if (header.marks) {
    const bool is_archive =
        header.marks->kind == wire::LetterKind::kTar && incoming.name.ends_with(kArchive);
    if (is_archive)
      incoming.folder = incoming.name.substr(0, incoming.name.size() - kArchive.size());
    incoming.digest = header.marks->digest;
    incoming.mode = header.marks->mode;
    incoming.mtime = header.marks->mtime;
  }
  incoming.content =
      StreamRef{to_bytes(rest.first(std::min<std::uint64_t>(rest.size(), header.size)))};
  return incoming;
}

template <class What>
std::optional<What> what_is_in(ByteView box) {
  Result<wire::BoxContent> content = wire::decode_box_content(box);
  auto* what = content ? std::get_if<What>(&content.value()) : nullptr;
  if (what == nullptr) return std::nullopt;
  return std::move(*what);
}

std::optional<wire::Foreign> stream_header(ByteView box) { return what_is_in<wire::Foreign>(box); }

// pigeonhole-cp fills its boxes: as we do where it lets couriers copy them, else to the last byte.
ByteSize content_chunk(const wire::Foreign& header, ByteView box, ByteSize box_max) {
  const ByteSize chunk = chunk_size(box_max);
  return header.marks || box.size() == chunk.value() ? chunk : box_max;
}

}  // namespace

Result<Incoming> incoming_of(const ReceiveJobRow& row) {
  Result<wire::BoxContent> content = wire::decode_box_content(row.letter);
  if (!content) return content.error();
  if (auto* letter = std::get_if<wire::Letter>(&content.value()))
    return of_letter(std::move(*letter));
  if (auto* header = std::get_if<wire::Foreign>(&content.value()))
    return of_stream(std::move(*header), row.letter);
  return error(Errc::kInvalid, "the box of this job announces no transfer");
}

std::optional<wire::Letter> letter_in(ByteView box) { return what_is_in<wire::Letter>(box); }

bool is_stream_header(ByteView box) { return stream_header(box).has_value(); }

bool is_inline_header(ByteView box) {
  const std::optional<wire::Foreign> header = stream_header(box);
  return header && header->marks;
}

std::uint64_t content_boxes(ByteView box, std::uint64_t box_max) {
  const std::optional<wire::Foreign> header = stream_header(box);
  if (!header || (!header->marks && header->size > kInlineMax)) return 0;
  const std::uint64_t here =
      std::min<std::uint64_t>(box.size() - header->header_size, header->size);
  const ByteSize behind{std::min(header->size - here, kInlineMax)};
  return chunks_for(behind, content_chunk(*header, box, ByteSize{box_max})).value();
}

}  // namespace taubenpost
