// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/junit.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

namespace sluice::cli {
namespace {

/// XML 1.0 has no way to say most control characters: they become "?".
std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' ? c : '?';
    }
  }
  return out;
}

/// "dir.name" of "dir/name.test".
std::string class_name(std::string path) {
  if (path.ends_with(".test")) path.resize(path.size() - 5);
  std::ranges::replace(path, '/', '.');
  return path.substr(std::min(path.find_first_not_of('.'), path.size()));
}

}  // namespace

std::string format_junit(const std::vector<TestResult>& results) {
  auto skipped = std::ranges::count_if(results, [](const TestResult& r) { return !r.skipped.empty(); });
  auto failures = std::ranges::count_if(results, &TestResult::failed);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites>\n<testsuite name=\"sluice\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n", results.size(), failures, skipped);
  for (const TestResult& r : results) {
    out += fmt::format("<testcase classname=\"{}\" name=\"{}\" file=\"{}\"", escape(class_name(r.path)), escape(r.title), escape(r.path));
    if (!r.skipped.empty()) {
      out += fmt::format("><skipped message=\"{}\"/></testcase>\n", escape(r.skipped));
      continue;
    }
    if (!r.failed) {
      out += "/>\n";
      continue;
    }
    std::string_view first = std::string_view(r.report).substr(0, r.report.find('\n'));
    out += fmt::format(">\n<failure message=\"{}\">{}</failure>\n</testcase>\n", escape(first), escape(r.report));
  }
  return out + "</testsuite>\n</testsuites>\n";
}

}  // namespace sluice::cli
