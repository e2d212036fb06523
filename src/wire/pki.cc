#include "wire/pki.h"

#include <algorithm>

#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"

namespace taubenpost::wire {
namespace {

using Kind = CborValue::Kind;

constexpr std::size_t kEndpointMax = 32;
constexpr std::size_t kNodesMax = 4096;  // of one kind
// Each service repeats the name and the key of its node: without limits a small document would
// fill the memory.
constexpr std::size_t kServicesMax = 65'536;
constexpr std::size_t kServiceBytesMax = 16'777'216;
constexpr std::size_t kMixKeySize = 32;

Error malformed(std::string_view what) {
  return error(Errc::kInvalid, "malformed PKI document: " + std::string(what));
}

std::uint64_t number_of(const CborValue& map, std::string_view key) {
  const CborValue* value = map.find(key);
  return value != nullptr && value->is(Kind::kUnsigned) ? value->number : 0;
}
double real_of(const CborValue& map, std::string_view key) {
  const CborValue* value = map.find(key);
  if (value == nullptr) return 0;
  if (value->is(Kind::kUnsigned)) return static_cast<double>(value->number);
  return value->is(Kind::kFloat) ? value->real : 0;
}
Bytes bytes_of(const CborValue& map, std::string_view key) {
  const CborValue* value = map.find(key);
  return value != nullptr && value->is(Kind::kBytes) ? value->bytes : Bytes();
}
std::string text_of(const CborValue& map, std::string_view key) {
  const CborValue* value = map.find(key);
  return value != nullptr && value->is(Kind::kText) ? std::string(value->text()) : std::string();
}
// The elements of a list; none if it is null or missing.
const std::vector<CborValue>& list_of(const CborValue& map, std::string_view key) {
  static const std::vector<CborValue> kNone;
  const CborValue* value = map.find(key);
  return value != nullptr && value->is(Kind::kArray) ? value->items : kNone;
}

// Adds the usable services of one service node; a node that does not decode has none. False if
// they are too many or, with `bytes` before, too large.
bool add_services(const CborValue& packed, std::vector<PkiService>& out, std::size_t& bytes) {
  CborValue unpacked;
  const CborValue* node = &packed;
  if (packed.is(Kind::kBytes)) {
    Result<CborValue> inner = read_cbor(packed.bytes);
    if (!inner) return true;
    unpacked = std::move(inner).value();
    node = &unpacked;
  }
  const Bytes identity = bytes_of(*node, "IdentityKey");
  const CborValue* services = node->find("Kaetzchen");
  if (identity.empty() || services == nullptr || !services->is(Kind::kMap)) return true;
  const std::string name = text_of(*node, "Name");
  for (std::size_t i = 0; i + 1 < services->items.size(); i += 2) {
    if (!services->items[i].is(Kind::kText)) continue;
    const std::string endpoint = text_of(services->items[i + 1], "endpoint");
    if (endpoint.empty() || endpoint.size() > kEndpointMax) continue;
    bytes += services->items[i].text().size() + name.size() + identity.size();
    if (out.size() == kServicesMax || bytes > kServiceBytesMax) return false;
    out.push_back({std::string(services->items[i].text()), endpoint, name, identity});
  }
  return true;
}

Result<PkiReplica> read_replica(const CborValue& map) {
  PkiReplica out;
  const std::uint64_t id = number_of(map, "ReplicaID");
  if (!map.is(Kind::kMap) || id > UINT8_MAX) return malformed("replica");
  out.name = text_of(map, "Name");
  out.id = static_cast<std::uint8_t>(id);
  out.identity_key = bytes_of(map, "IdentityKey");
  const CborValue* keys = map.find("EnvelopeKeys");
  for (std::size_t i = 0; keys != nullptr && i + 1 < keys->items.size(); i += 2)
    if (keys->items[i].is(Kind::kUnsigned) && keys->items[i + 1].is(Kind::kBytes))
      out.envelope_keys.emplace(keys->items[i].number, keys->items[i + 1].bytes);
  return out;
}

// ---- writing: canonical order, shorter keys first ----------------------------------------------
enum class NodeRole : std::uint8_t { kMix, kGateway, kService };

// A mix, a gateway or a service node; only the last has services. Keys that nobody uses here are
// stand-ins of their size.
Bytes encode_node(const std::string& name, std::uint64_t epoch, NodeRole role,
                  const std::vector<const PkiService*>& services = {}) {
  CborWriter out;
  out.map(13);
  out.text("Name").text(name);
  out.text("Epoch").number(epoch);
  out.text("LinkKey").bytes({});
  out.text("MixKeys").map(1).number(epoch).bytes(Bytes(kMixKeySize));
  out.text("Version").text("");
  out.text("Addresses").map(0);
  out.text("Kaetzchen");
  if (services.empty()) out.null();
  if (!services.empty()) out.map(services.size());
  for (const PkiService* service : services)
    out.text(service->capability).map(1).text("endpoint").text(service->endpoint);
  out.text("LoadWeight").number(0);
  out.text("IdentityKey")
      .bytes(services.empty() ? Bytes(kMixKeySize) : services.front()->identity_key);
  out.text("IsGatewayNode").boolean(role == NodeRole::kGateway);
  out.text("IsServiceNode").boolean(role == NodeRole::kService);
  out.text("AuthenticationType").text("");
  out.text("KaetzchenAdvertizedData").null();
  return out.take();
}

// A map, in the order in which its entries were put or in the canonical one.
class OrderedMap {
 public:
  explicit OrderedMap(KeyOrder order) : order_(order) {}
  template <class Put>
  void put(std::string_view key, Put value) {
    CborWriter out;
    value(out);
    entries_.emplace_back(key, out.take());
  }
  void write(CborWriter& out) {
    if (order_ == KeyOrder::kCanonical)
      std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
        return std::pair(a.first.size(), a.first) < std::pair(b.first.size(), b.first);
      });
    out.map(entries_.size());
    for (const auto& [key, value] : entries_) out.text(key).raw(value);
  }

 private:
  const KeyOrder order_;
  std::vector<std::pair<std::string_view, Bytes>> entries_;
};

void put_replica(CborWriter& out, const PkiReplica& replica, std::uint64_t epoch, KeyOrder order) {
  OrderedMap map(order);
  map.put("Name", [&](CborWriter& value) { value.text(replica.name); });
  map.put("ReplicaID", [&](CborWriter& value) { value.number(replica.id); });
  map.put("Epoch", [&](CborWriter& value) { value.number(epoch); });
  map.put("IdentityKey", [&](CborWriter& value) { value.bytes(replica.identity_key); });
  map.put("LinkKey", [](CborWriter& value) { value.bytes({}); });
  map.put("EnvelopeKeys", [&](CborWriter& value) {
    value.map(replica.envelope_keys.size());
    for (const auto& [key_epoch, key] : replica.envelope_keys) value.number(key_epoch).bytes(key);
  });
  map.put("Addresses", [](CborWriter& value) { value.map(0); });
  map.write(out);
}

void put_service_nodes(CborWriter& out, const PkiDocument& document) {
  std::vector<std::pair<std::string, std::vector<const PkiService*>>> nodes;
  for (const PkiService& service : document.services) {
    const auto same = [&](const auto& node) { return node.first == service.node; };
    auto node = std::find_if(nodes.begin(), nodes.end(), same);
    if (node == nodes.end()) node = nodes.insert(nodes.end(), {service.node, {}});
    node->second.push_back(&service);
  }
  const auto canonical = [](const PkiService* a, const PkiService* b) {
    return std::pair(a->capability.size(), std::string_view(a->capability)) <
           std::pair(b->capability.size(), std::string_view(b->capability));
  };
  out.array(nodes.size());
  for (auto& [name, services] : nodes) {
    std::sort(services.begin(), services.end(), canonical);
    out.bytes(encode_node(name, document.epoch, NodeRole::kService, services));
  }
}

}  // namespace

Result<PkiDocument> parse_pki_document(ByteView bytes) {
  Result<CborValue> top = read_cbor(bytes);
  if (!top) return top.error();
  const CborValue* epoch = top->find("Epoch");
  if (epoch == nullptr || !epoch->is(Kind::kUnsigned)) return malformed("no epoch");
  PkiDocument out;
  out.epoch = epoch->number;
  out.genesis_epoch = number_of(*top, "GenesisEpoch");
  out.mu = real_of(*top, "Mu");
  out.lambda_p = real_of(*top, "LambdaP");
  out.lambda_l = real_of(*top, "LambdaL");
  out.lambda_m = real_of(*top, "LambdaM");
  out.lambda_g = real_of(*top, "LambdaG");
  out.lambda_r = real_of(*top, "LambdaR");
  out.mix_layers = list_of(*top, "Topology").size();
  const std::vector<CborValue>& nodes = list_of(*top, "ServiceNodes");
  const std::vector<CborValue>& replicas = list_of(*top, "StorageReplicas");
  if (nodes.size() > kNodesMax || replicas.size() > kNodesMax) return malformed("too many nodes");
  std::size_t service_bytes = 0;
  for (const CborValue& node : nodes)
    if (!add_services(node, out.services, service_bytes)) return malformed("too many services");
  for (const CborValue& replica : replicas) {
    Result<PkiReplica> read = read_replica(replica);
    if (!read) return read.error();
    out.replicas.push_back(std::move(read).value());
  }
  out.configured_replica_ids = bytes_of(*top, "ConfiguredReplicaIDs");
  for (const CborValue& key : list_of(*top, "ConfiguredReplicaIdentityKeys"))
    out.configured_replica_keys.push_back(key.bytes);
  out.sphinx_geometry_hash = bytes_of(*top, "SphinxGeometryHash");
  out.version = text_of(*top, "Version");
  return out;
}

Bytes encode_pki_document(const PkiDocument& document, KeyOrder order) {
  OrderedMap map(order);
  const auto put_null = [](CborWriter& value) { value.null(); };
  const auto put_rate = [&](std::string_view key, double rate) {
    map.put(key, [rate](CborWriter& value) { value.real(rate); });
  };
  map.put("Epoch", [&](CborWriter& value) { value.number(document.epoch); });
  map.put("GenesisEpoch", [&](CborWriter& value) { value.number(document.genesis_epoch); });
  put_rate("Mu", document.mu);
  put_rate("LambdaP", document.lambda_p);
  put_rate("LambdaL", document.lambda_l);
  put_rate("LambdaM", document.lambda_m);
  put_rate("LambdaG", document.lambda_g);
  put_rate("LambdaR", document.lambda_r);
  map.put("Topology", [&](CborWriter& value) {
    value.array(document.mix_layers);
    for (std::size_t i = 1; i <= document.mix_layers; ++i)
      value.array(1).bytes(encode_node("mix" + std::to_string(i), document.epoch, NodeRole::kMix));
  });
  map.put("GatewayNodes", [&](CborWriter& value) {
    value.array(1).bytes(encode_node("gateway1", document.epoch, NodeRole::kGateway));
  });
  map.put("ServiceNodes", [&](CborWriter& value) { put_service_nodes(value, document); });
  map.put("StorageReplicas", [&](CborWriter& value) {
    value.array(document.replicas.size());
    for (const PkiReplica& each : document.replicas)
      put_replica(value, each, document.epoch, order);
  });
  map.put("ConfiguredReplicaIDs",
          [&](CborWriter& value) { value.bytes(document.configured_replica_ids); });
  map.put("ConfiguredReplicaIdentityKeys", [&](CborWriter& value) {
    value.array(document.configured_replica_keys.size());
    for (const Bytes& key : document.configured_replica_keys) value.bytes(key);
  });
  map.put("SharedRandomCommit", put_null);
  map.put("SharedRandomReveal", put_null);
  map.put("SharedRandomValue", put_null);
  map.put("PriorSharedRandom", put_null);
  map.put("SphinxGeometryHash",
          [&](CborWriter& value) { value.bytes(document.sphinx_geometry_hash); });
  map.put("Version", [&](CborWriter& value) { value.text(document.version); });
  map.put("PKISignatureScheme", [](CborWriter& value) { value.text("Ed25519"); });
  CborWriter out;
  map.write(out);
  return out.take();
}

Bytes encode_signed_document(ByteView certified, std::uint64_t expiration,
                             const std::string& key_type,
                             const std::vector<PkiSignature>& signatures) {
  CborWriter out;
  out.map(5);
  out.text("KeyType").text(key_type);
  out.text("Version").number(0);
  out.text("Certified").bytes(certified);
  out.text("Expiration").number(expiration);
  out.text("Signatures").map(signatures.size());
  for (const PkiSignature& signature : signatures) {
    out.bytes(signature.authority).map(2);
    out.text("Payload").bytes(signature.payload);
    out.text("PublicKeySum256").bytes(signature.authority);
  }
  return out.take();
}

Result<Bytes> certified_document(ByteView signed_document) {
  Result<CborValue> top = read_cbor(signed_document);
  if (!top) return top.error();
  const CborValue* certified = top->find("Certified");
  if (certified == nullptr || !certified->is(Kind::kBytes)) return malformed("no certified part");
  return certified->bytes;
}

Bytes encode_descriptor(const EnvelopeDescriptor& descriptor) {
  CborWriter out;
  out.map(3);
  out.text("Epoch").number(descriptor.epoch);
  out.text("ReplicaNums").bytes(descriptor.replicas);
  out.text("EnvelopeKey").bytes(descriptor.envelope_key);
  return out.take();
}

Result<EnvelopeDescriptor> decode_descriptor(ByteView bytes) {
  const Error bad = error(Errc::kInvalid, "a malformed envelope descriptor");
  Result<CborValue> top = read_cbor(bytes);
  if (!top || !(top->is(Kind::kMap) || top->is(Kind::kNull))) return bad;
  EnvelopeDescriptor out;
  // Null and missing are empty.
  const auto field = [&](std::string_view key, Bytes& to) {
    const CborValue* value = top->find(key);
    if (value == nullptr || value->is(Kind::kNull)) return true;
    std::optional<Bytes> read = value->byte_string();
    if (read) to = *std::move(read);
    return read.has_value();
  };
  Bytes replicas;
  if (!field("ReplicaNums", replicas) || !field("EnvelopeKey", out.envelope_key)) return bad;
  std::copy_n(replicas.begin(), std::min<std::size_t>(replicas.size(), 2), out.replicas.begin());
  const CborValue* epoch = top->find("Epoch");
  if (epoch != nullptr && !epoch->is(Kind::kNull) && !epoch->is(Kind::kUnsigned)) return bad;
  out.epoch = number_of(*top, "Epoch");
  return out;
}

}  // namespace taubenpost::wire
