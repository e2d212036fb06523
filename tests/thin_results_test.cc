#include <gtest/gtest.h>

#include <array>

#include "thin/results.h"

namespace taubenpost::thin {
namespace {

// The table of thin-protocol 5.3 and 5.4, written out once more.
TEST(ThinResults, ResendCodesBeforeTheStart_AreThin) {
  for (std::uint8_t code = 1; code < 12; ++code) {
    const ResendClass got = classify_resend(code, /*started=*/false);
    EXPECT_EQ(got.space, CodeSpace::kThin) << int(code);
    EXPECT_EQ(got.kind, code == 4 ? ResendKind::kRetry : ResendKind::kRejected) << int(code);
  }
}

TEST(ThinResults, ResendCodesAfterTheStart_AreReplicaCodesBelow12) {
  constexpr std::array kinds{
      ResendKind::kOk,          ResendKind::kNotFound, ResendKind::kRejected,
      ResendKind::kRejected,    ResendKind::kRetry,    ResendKind::kRejected,
      ResendKind::kStorageFull, ResendKind::kRetry,    ResendKind::kReencrypt,
      ResendKind::kRetry,       ResendKind::kTaken,    ResendKind::kTombstone};
  for (std::uint8_t code = 1; code < kinds.size(); ++code) {
    const ResendClass got = classify_resend(code, /*started=*/true);
    EXPECT_EQ(got.kind, kinds[code]) << int(code);
    EXPECT_EQ(got.space, code == 4 ? CodeSpace::kEither : CodeSpace::kReplica) << int(code);
  }
}

TEST(ThinResults, ResendCodesFrom12_AreThinEitherWay) {
  const std::pair<int, ResendKind> cases[] = {
      {12, ResendKind::kRetry},      {13, ResendKind::kRetry},     {22, ResendKind::kReencrypt},
      {23, ResendKind::kUnreadable}, {24, ResendKind::kCancelled}, {25, ResendKind::kUnreadable},
      {31, ResendKind::kReencrypt},  {32, ResendKind::kReencrypt}, {14, ResendKind::kRejected},
      {26, ResendKind::kRejected},   {255, ResendKind::kRejected},
  };
  for (const auto& [code, kind] : cases)
    for (const bool started : {false, true}) {
      const ResendClass got = classify_resend(static_cast<std::uint8_t>(code), started);
      EXPECT_EQ(got.kind, kind) << code;
      EXPECT_EQ(got.space, CodeSpace::kThin) << code;
    }
}

TEST(ThinResults, Success_IsOkEitherWay) {
  EXPECT_EQ(classify_resend(0, false).kind, ResendKind::kOk);
  EXPECT_EQ(classify_resend(0, true).kind, ResendKind::kOk);
}

TEST(ThinResults, CopyCodes_AreThin) {
  EXPECT_EQ(classify_copy(0), CopyKind::kSucceeded);
  EXPECT_EQ(classify_copy(3), CopyKind::kRejected);
  EXPECT_EQ(classify_copy(4), CopyKind::kNotStarted);
  EXPECT_EQ(classify_copy(24), CopyKind::kCancelled);
  EXPECT_EQ(classify_copy(26), CopyKind::kFailed);
  EXPECT_EQ(classify_copy(99), CopyKind::kRejected);
}

TEST(ThinResults, Detail_NamesTheSpaceAndNeverCallsAnUnreadyDaemonADatabaseFailure) {
  ResendResult before{ResendKind::kRetry, 4, CodeSpace::kThin, {}, std::nullopt};
  EXPECT_NE(before.detail().find("thin 4"), std::string::npos) << before.detail();
  EXPECT_EQ(before.detail().find("database"), std::string::npos) << before.detail();
  ResendResult taken{ResendKind::kTaken, 10, CodeSpace::kReplica, {}, CourierId{}};
  EXPECT_NE(taken.detail().find("replica 10"), std::string::npos) << taken.detail();
}

}  // namespace
}  // namespace taubenpost::thin
