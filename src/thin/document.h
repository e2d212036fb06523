// A PKI document: parsed, and the bytes that it was parsed from (thin-protocol 7).
//
// Immutable. It says which services, couriers and replicas a network has, and its rates; nobody has
// checked its signatures.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "thin/results.h"
#include "wire/pki.h"

namespace taubenpost::thin {

// One parsed document of a network.
class Document {
 public:
  // The document without signatures, as new_pki_document_event brings it. kInvalid: malformed.
  static Result<Document> parse(Bytes raw);
  // The document inside a signed form. kInvalid: malformed.
  static Result<Document> parse(const SignedDocument& document);

  std::uint64_t epoch() const { return content_.epoch; }
  const wire::PkiDocument& content() const { return content_; }
  ByteView raw() const { return raw_; }

  // Who offers a capability ("courier", "echo"), in document order.
  std::vector<ServiceId> services(std::string_view capability) const;
  // One of them, each as likely as the others. kNotFound if there is none.
  Result<ServiceId> random_service(std::string_view capability) const;

 private:
  Document(wire::PkiDocument content, Bytes raw)
      : content_(std::move(content)), raw_(std::move(raw)) {}

  wire::PkiDocument content_;
  Bytes raw_;
};

using DocumentPtr = std::shared_ptr<const Document>;

// The address of one service of a document (thin-protocol 7.3).
ServiceId to_destination(const wire::PkiService& service);

}  // namespace taubenpost::thin
