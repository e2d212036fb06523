#include <gtest/gtest.h>

#include <array>

#include "thin/results.h"

namespace taubenpost::thin {
namespace {

using wire::CodeClass;
using wire::CodeSpace;

ResendKind kind_of(int code, bool started) {
  return resend_kind(wire::resend_code(static_cast<std::uint8_t>(code), started));
}

// The table of thin-protocol 5.3 and 5.4, written out once more.
TEST(ThinResults, ResendCodesBeforeTheStart_AreThin) {
  for (std::uint8_t code = 1; code < 12; ++code) {
    EXPECT_EQ(wire::resend_code(code, /*started=*/false).space, CodeSpace::kThin) << int(code);
    const bool passes = code == 4 || code == 10;
    EXPECT_EQ(kind_of(code, false), passes ? ResendKind::kRetry : ResendKind::kRejected)
        << int(code);
  }
}

TEST(ThinResults, ResendCodesAfterTheStart_AreReplicaCodesBelow12) {
  constexpr std::array kinds{
      ResendKind::kOk,          ResendKind::kNotFound, ResendKind::kRejected,
      ResendKind::kRejected,    ResendKind::kRetry,    ResendKind::kRejected,
      ResendKind::kStorageFull, ResendKind::kRetry,    ResendKind::kReencrypt,
      ResendKind::kRetry,       ResendKind::kTaken,    ResendKind::kTombstone};
  for (std::uint8_t code = 1; code < kinds.size(); ++code) {
    EXPECT_EQ(kind_of(code, true), kinds[code]) << int(code);
    EXPECT_EQ(wire::resend_code(code, true).space,
              code == 4 ? CodeSpace::kEither : CodeSpace::kReplica)
        << int(code);
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
      EXPECT_EQ(kind_of(code, started), kind) << code;
      EXPECT_EQ(wire::resend_code(static_cast<std::uint8_t>(code), started).space, CodeSpace::kThin)
          << code;
    }
}

TEST(ThinResults, Success_IsOkEitherWay) {
  EXPECT_EQ(kind_of(0, false), ResendKind::kOk);
  EXPECT_EQ(kind_of(0, true), ResendKind::kOk);
}

TEST(ThinResults, CopyCodes_AreThin) {
  const std::pair<std::uint8_t, CopyKind> cases[] = {
      {0, CopyKind::kSucceeded},  {3, CopyKind::kRejected}, {4, CopyKind::kNotStarted},
      {24, CopyKind::kCancelled}, {26, CopyKind::kFailed},  {99, CopyKind::kRejected}};
  for (const auto& [code, kind] : cases) EXPECT_EQ(copy_kind(wire::thin_code(code)), kind);
}

TEST(ThinResults, Texts_NameTheSpaceAndNeverCallAnUnreadyDaemonADatabaseFailure) {
  const std::string before = wire::resend_code(4, false).text();
  EXPECT_EQ(before, "thin 4 (internal error)");
  const std::string after = wire::resend_code(4, true).text();
  EXPECT_EQ(after.find("database"), std::string::npos) << after;
  EXPECT_EQ(wire::resend_code(10, true).text(), "replica 10 (box already exists)");
}

}  // namespace
}  // namespace taubenpost::thin
