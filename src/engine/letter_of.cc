#include "engine/letter_of.h"

#include "engine/bodies.h"
#include "engine/receipts.h"
#include "wire/letter.h"

namespace taubenpost {

namespace {

// What a letter and the marks of a stream have in common.
template <class Out>
void describe(const SendJobRow& row, Out& out) {
  out.id = row.transfer;
  out.digest = row.plan.digest;
  if (row.archive) {
    out.kind = wire::LetterKind::kTar;
  } else if (row.source_kind != SourceKind::kStandardInput) {
    out.mode = row.mode;
    out.mtime = row.mtime;
  }
  out.note = row.note;
}

Bytes header_of(const SendJobRow& row) {
  wire::StreamMarks marks;
  describe(row, marks);
  return wire::encode_stream_header(inline_name(row), row.plan.size, marks);
}

}  // namespace

const Bytes32& content_digest(const SendPlan& plan) {
  return plan.encoding == Encoding::kNone ? plan.digest : plan.udigest;
}

std::string inline_name(const SendJobRow& row) {
  return row.archive ? row.name + ".tar" : row.name;
}

Bytes letter_of(const SendJobRow& row, RecipientIndex recipient) {
  if (is_receipt(row)) return receipt_box(row);
  if (row.layout == Layout::kInline) return header_of(row);
  wire::Letter letter;
  describe(row, letter);
  letter.name = row.name;
  letter.size = letter.usize = row.plan.size;
  letter.udigest = letter.digest;
  if (row.plan.encoding != Encoding::kNone) {
    letter.encoding = row.plan.encoding;
    letter.usize = row.plan.usize;
    letter.udigest = row.plan.udigest;
  }
  letter.sent = row.sent;
  letter.until = row.until;
  letter.content = row.plan.inline_data;
  if (row.plan.boxes > 0)
    letter.content = wire::BodyRef{body_for(row, recipient).read_cap().bytes(), boxes_per_copy(row),
                                   chunk_size(ByteSize{row.plan.box_max}).value()};
  return wire::encode_letter(letter);
}

}  // namespace taubenpost
