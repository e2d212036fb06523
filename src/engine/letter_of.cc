#include "engine/letter_of.h"

#include "bacap/capability.h"
#include "wire/letter.h"

namespace taubenpost {

namespace {

Bytes header_of(const SendJobRow& row) {
  wire::StreamMarks marks;
  marks.id = row.transfer;
  marks.digest = row.plan.digest;
  if (row.archive) {
    marks.kind = wire::LetterKind::kTar;
  } else {
    marks.mode = row.mode;
    marks.mtime = row.mtime;
  }
  marks.note = row.note;
  return wire::encode_stream_header(inline_name(row), row.plan.size, marks);
}

}  // namespace

std::string inline_name(const SendJobRow& row) {
  return row.archive ? row.name + ".tar" : row.name;
}

Bytes letter_of(const SendJobRow& row) {
  if (row.layout == Layout::kInline) return header_of(row);
  wire::Letter letter;
  letter.id = row.transfer;
  letter.name = row.name;
  letter.size = letter.usize = row.plan.size;
  letter.digest = letter.udigest = row.plan.digest;
  if (row.archive) {
    letter.kind = wire::LetterKind::kTar;
  } else {
    letter.mode = row.mode;
    letter.mtime = row.mtime;
  }
  letter.note = row.note;
  letter.sent = row.sent;
  letter.until = row.until;
  letter.content = row.plan.inline_data;
  if (row.plan.boxes > 0)
    letter.content =
        wire::BodyRef{bacap::WriteCap::from_seed(row.plan.body_seed).read_cap().bytes(),
                      row.plan.boxes, chunk_size(ByteSize{row.plan.box_max}).value()};
  return wire::encode_letter(letter);
}

}  // namespace taubenpost
