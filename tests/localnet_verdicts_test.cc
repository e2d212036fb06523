// The local network's decisions on codes, against the tables of the reference.
#include <gtest/gtest.h>

#include "localnet/copy_job.h"
#include "localnet/verdicts.h"
#include "support/vectors.h"

namespace taubenpost::localnet {
namespace {

using bacap::ReplicaCode;
using test::each_case_where;
using test::Json;

ReplicaCode replica_code(const Json& item) {
  return static_cast<ReplicaCode>(item.at("replica_code").get<std::uint8_t>());
}

TEST(Verdicts, ReplicaCodes_MatchVectors) {
  int again = 0, repeats = 0;
  each_case_where("wire/result_mapping.json", "kind", "reply_action", 96, [&](const Json& item) {
    const ReplicaFlags flags{
        .is_read = item.at("is_read"),
        .no_retry_on_box_id_not_found = item.at("no_retry_on_box_id_not_found"),
        .no_idempotent_box_already_exists = item.at("no_idempotent_box_already_exists")};
    const std::string action = item.at("action");
    const ReplicaVerdict verdict = judge(replica_code(item), flags);
    again += verdict == ReplicaVerdict::kAskAgain;
    repeats += verdict == ReplicaVerdict::kSuccess;
    EXPECT_EQ(verdict == ReplicaVerdict::kAskAgain, action == "retry");
    EXPECT_EQ(verdict == ReplicaVerdict::kSuccess, action == "idempotent_success");
    EXPECT_EQ(verdict == ReplicaVerdict::kReturn, action == "return_error");
  });
  EXPECT_EQ(again, 2);
  EXPECT_EQ(repeats, 2);
}

TEST(Verdicts, CourierCodes_MatchVectors) {
  each_case_where("wire/result_mapping.json", "kind", "courier_code", 7, [](const Json& item) {
    EXPECT_EQ(wire::number(thin_code(item.at("courier_code").get<std::uint8_t>())),
              item.at("thin_code").get<std::uint8_t>());
  });
}

TEST(Verdicts, CopyReadClasses_MatchVectors) {
  each_case_where("wire/courier_tables.json", "kind", "copy_read_class", 14, [](const Json& item) {
    EXPECT_EQ(is_temporary_for_copy(replica_code(item)), item.at("temporary").get<bool>());
  });
}

TEST(Verdicts, CopyPauses_MatchVectors) {
  each_case_where("wire/courier_tables.json", "kind", "copy_backoff", 12, [](const Json& item) {
    EXPECT_EQ(copy_backoff(item.at("attempt").get<int>() + 1).count(),
              item.at("milliseconds").get<std::int64_t>());
  });
}

}  // namespace
}  // namespace taubenpost::localnet
