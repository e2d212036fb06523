#include "thin/document.h"

#include <string>
#include <utility>

#include "base/random.h"
#include "crypto/hash.h"

namespace taubenpost::thin {

Result<Document> Document::parse(Bytes raw) {
  Result<wire::PkiDocument> content = wire::parse_pki_document(raw);
  if (!content) return content.error();
  return Document(std::move(*content), std::move(raw));
}

Result<Document> Document::parse(const SignedDocument& document) {
  Result<Bytes> certified = wire::certified_document(document.bytes);
  if (!certified) return certified.error();
  return parse(std::move(*certified));
}

std::vector<ServiceId> Document::services(std::string_view capability) const {
  std::vector<ServiceId> found;
  for (const wire::PkiService& service : content_.services)
    if (service.capability == capability) found.push_back(to_destination(service));
  return found;
}

Result<ServiceId> Document::random_service(std::string_view capability) const {
  std::vector<ServiceId> found = services(capability);
  if (found.empty())
    return error(Errc::kNotFound, "nobody in the document of epoch " + std::to_string(epoch()) +
                                      " offers the service " + printable(capability));
  return std::move(found[random_below(found.size())]);
}

ServiceId to_destination(const wire::PkiService& service) {
  return {crypto::blake2b_256(service.identity_key), to_bytes(as_bytes(service.endpoint))};
}

}  // namespace taubenpost::thin
