// The table of docs/errors.md and the mapping in the program are the same.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>

#include "cli/exit_status.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace taubenpost {
namespace {

constexpr int kLastCode = static_cast<int>(Errc::kIo);

// Rows "| number | `kName` | … | status |".
std::map<int, int> documented() {
  std::map<int, int> rows;
  std::istringstream text(content_of(in_source("docs/errors.md")));
  const std::regex row(R"(\| (\d+) \| `k\w+` \|.*\| (\d+) \|)");
  for (std::string line; std::getline(text, line);) {
    std::smatch found;
    if (std::regex_match(line, found, row)) rows[std::stoi(found[1])] = std::stoi(found[2]);
  }
  return rows;
}

TEST(ExitStatus, EveryCode_IsDocumentedWithItsStatus) {
  const std::map<int, int> rows = documented();
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(kLastCode));
  for (int code = 1; code <= kLastCode; ++code) {
    ASSERT_TRUE(rows.contains(code)) << code;
    EXPECT_EQ(rows.at(code), cli::exit_status(static_cast<Errc>(code))) << code;
  }
}

TEST(ExitStatus, NoError_IsNeverSuccess) {
  for (int code = 1; code <= kLastCode; ++code)
    EXPECT_NE(cli::exit_status(static_cast<Errc>(code)), 0) << code;
}

TEST(ExitStatus, SeveralJobs_PartialOnlyWithBothEnds) {
  EXPECT_EQ(cli::exit_status_of_jobs(2, 0, 0), cli::kDone);
  EXPECT_EQ(cli::exit_status_of_jobs(0, 0, 0), cli::kDone);
  EXPECT_EQ(cli::exit_status_of_jobs(0, 1, 0), cli::kFailed);
  EXPECT_EQ(cli::exit_status_of_jobs(1, 1, 1), cli::kPartial);
  EXPECT_EQ(cli::exit_status_of_jobs(1, 0, 1), cli::kUnfinished);
}

}  // namespace
}  // namespace taubenpost
