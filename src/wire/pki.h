// PKI documents: the parts that clients use, read and written (thin-protocol 7).
//
// Identity keys are kept raw: the hash that addresses a node is BLAKE2b-256 of them, and this layer
// has no cryptography.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost::wire {

// One service of one service node: capability, queue id ("endpoint"), and the node's identity key.
struct PkiService {
  std::string capability;
  std::string endpoint;  // 1 to 32 bytes
  std::string node;      // name of the node
  Bytes identity_key;
};

struct PkiReplica {
  std::string name;
  std::uint8_t id = 0;
  Bytes identity_key;
  std::map<std::uint64_t, Bytes> envelope_keys;  // by replica epoch
};

struct PkiDocument {
  std::uint64_t epoch = 0;  // mix epoch
  std::uint64_t genesis_epoch = 0;
  double mu = 0;        // per-hop delay rate, 1/ms
  double lambda_p = 0;  // slots of one client, 1/ms
  double lambda_l = 0, lambda_m = 0, lambda_g = 0, lambda_r = 0;
  std::size_t mix_layers = 0;
  std::vector<PkiService> services;  // in document order
  std::vector<PkiReplica> replicas;  // online ones
  Bytes configured_replica_ids;
  std::vector<Bytes> configured_replica_keys;
  Bytes sphinx_geometry_hash;
  std::string version;
};

// kInvalid: malformed, or more than 4,096 nodes of a kind or 65,536 services. Service nodes that do
// not decode, or whose entries are unusable (7.3), are left out.
Result<PkiDocument> parse_pki_document(ByteView bytes);

// Of a document and its replicas: shorter keys first, as in handshakes and signed documents, or as
// the reference declares them, as in what it pushes.
enum class KeyOrder : std::uint8_t { kCanonical, kDeclared };

// What the local network publishes. Writes all keys of 7.1; each service becomes an entry of the
// service node of its name. `layers` mix descriptors are made up: name and keys.
Bytes encode_pki_document(const PkiDocument& document, KeyOrder order = KeyOrder::kCanonical);

// The signed form (7.5), as get_pki_document returns it.
struct PkiSignature {
  Bytes32 authority{};  // hash of the authority's identity key
  Bytes payload;
};
Bytes encode_signed_document(ByteView certified, std::uint64_t expiration,
                             const std::string& key_type,
                             const std::vector<PkiSignature>& signatures);
// The document inside a signed form. Signatures are not checked.
Result<Bytes> certified_document(ByteView signed_document);

// The descriptor that encrypt_read and encrypt_write return (pigeonhole 4.2). Secret.
struct EnvelopeDescriptor {
  std::uint64_t epoch = 0;
  std::array<std::uint8_t, 2> replicas{};
  Bytes envelope_key;
};
Bytes encode_descriptor(const EnvelopeDescriptor& descriptor);
Result<EnvelopeDescriptor> decode_descriptor(ByteView bytes);

}  // namespace taubenpost::wire
