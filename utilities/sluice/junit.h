// SPDX-License-Identifier: Apache-2.0
// Results as a JUnit file, which CI systems show.  Without times: two runs give the same bytes.
#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

struct TestResult {
  std::string path, title;
  bool failed = false;
  std::string report;  // of a failure
  std::string skipped = {};  // why; empty: it was not
};

std::string format_junit(const std::vector<TestResult>& results);

}  // namespace sluice::cli
