// taubenpost pki: what the network's directory document says.
#include <cstdio>

#include "app/state_dir.h"
#include "cli/exit_status.h"
#include "cli/raw.h"
#include "crypto/hash.h"
#include "files/disk.h"

namespace taubenpost::cli {
namespace {

struct PkiArgs : DaemonArgs {
  std::uint64_t epoch = 0;
  std::string save;
};

// "1 in 4.0 s" of events per millisecond.
std::string mean_of(double rate) {
  if (rate <= 0) return "none";
  char text[64];
  std::snprintf(text, sizeof text, "one in %.3g s", 1.0 / rate / 1000.0);
  return text;
}

Json rates_of(const wire::PkiDocument& content) {
  return {{"mu", content.mu},
          {"lambda_p", content.lambda_p},
          {"lambda_l", content.lambda_l},
          {"lambda_m", content.lambda_m},
          {"lambda_g", content.lambda_g},
          {"lambda_r", content.lambda_r}};
}

Json services_of(const wire::PkiDocument& content) {
  Json list = Json::array();
  for (const wire::PkiService& service : content.services)
    list.push_back({{"capability", printable(service.capability)},
                    {"endpoint", printable(service.endpoint)},
                    {"node", printable(service.node)},
                    {"identity_hash", to_hex(thin::to_destination(service).identity_hash)}});
  return list;
}

Json replicas_of(const wire::PkiDocument& content) {
  Json list = Json::array();
  for (const wire::PkiReplica& replica : content.replicas)
    list.push_back({{"id", replica.id},
                    {"name", printable(replica.name)},
                    {"identity_hash", to_hex(crypto::blake2b_256(replica.identity_key))}});
  return list;
}

std::string names_of(const wire::PkiDocument& content, std::string_view capability) {
  std::string names;
  for (const wire::PkiService& service : content.services)
    if (service.capability == capability)
      names += (names.empty() ? "" : ", ") + printable(service.node);
  return names.empty() ? "none" : names;
}

std::string text_of(const wire::PkiDocument& content) {
  std::string replicas;
  for (const wire::PkiReplica& replica : content.replicas)
    replicas += (replicas.empty() ? "" : ", ") + printable(replica.name);
  return "epoch     " + std::to_string(content.epoch) + "\nslots     " + mean_of(content.lambda_p) +
         "\nhops      " + std::to_string(content.mix_layers) + " layers, delay at each " +
         mean_of(content.mu) + "\nreplicas  " + (replicas.empty() ? "none" : replicas) +
         "\n          links " + mean_of(content.lambda_r) + "\ncouriers  " +
         names_of(content, "courier") + "\necho      " + names_of(content, "echo");
}

Status save(const std::string& path, ByteView bytes) {
  Disk disk;
  const std::string target = absolute_path(path);
  const Result<FileHandle> file = disk.open(target, OpenHow::kCreateNew);
  if (!file) return file.error();
  TP_TRY(disk.write_at(*file, 0, bytes));
  return disk.sync(*file);
}

Result<int> run_pki(Context& context, const PkiArgs& args) {
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Result<thin::SignedDocument> document =
      (*client)->get_pki_document(args.epoch, limit_of(args));
  if (!document) return document.error();
  const Result<thin::Document> parsed = thin::Document::parse(*document);
  if (!parsed) return parsed.error();
  const wire::PkiDocument& content = parsed->content();
  const auto geometry = (*client)->geometry();
  const auto sphinx = (*client)->sphinx_geometry();
  const Json fields{{"epoch", content.epoch},
                    {"layers", content.mix_layers},
                    {"rates_per_ms", rates_of(content)},
                    {"box_max", geometry->max_plaintext_payload_length},
                    {"message_max", sphinx->user_forward_payload_length},
                    {"services", services_of(content)},
                    {"replicas", replicas_of(content)}};
  (*client)->close();
  if (!args.save.empty()) TP_TRY(save(args.save, document->bytes));
  context.out().result(
      "pki", fields,
      text_of(content) + "\na box     " + std::to_string(geometry->max_plaintext_payload_length) +
          " bytes\na message " + std::to_string(sphinx->user_forward_payload_length) + " bytes");
  return kDone;
}

}  // namespace

void add_pki(Commands& commands) {
  CLI::App* command = commands.root.add_subcommand(
      "pki", "Shows the network's document: epoch, rates, services, couriers, replicas");
  const auto args = on_chosen<PkiArgs>(commands, *command, run_pki);
  add_daemon_options(*command, *args);
  command->add_option("--epoch", args->epoch, "of this epoch (default: the current one)")
      ->type_name("N");
  command->add_option("--save", args->save, "write the signed document to a new file")
      ->type_name("FILE");
}

}  // namespace taubenpost::cli
