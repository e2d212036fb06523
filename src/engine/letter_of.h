// The letter of a send job, the header of an inline one, or a receipt: the same bytes for every
// recipient who has no body of their own.
#pragma once

#include <string>

#include "base/bytes.h"
#include "model/rows.h"

namespace taubenpost {

// `sent` and `until` of the row are part of a letter, and not of a header.
Bytes letter_of(const SendJobRow& row, RecipientIndex recipient);
// Of the bytes that recipients get.
const Bytes32& content_digest(const SendPlan& plan);
// How the file is called in a header: readers of other programs see no `kind`.
std::string inline_name(const SendJobRow& row);

}  // namespace taubenpost
