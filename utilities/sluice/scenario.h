// SPDX-License-Identifier: Apache-2.0
// A scenario as data: the steps of one file, in order, each with the line that it stands on.  parse_scenario() checks everything that can be checked
// without running it and reports all that is wrong at once.  What the lines mean is said to users by scenario_help().
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/bytes.h"
#include "lib/time.h"
#include "utilities/sluice/packet_text.h"
#include "utilities/sluice/text_expectation.h"

namespace sluice::cli {

/// "$ COMMAND", or "% COMMAND": tried again until it answers as expected.
struct CommandStep {
  int line = 0;
  std::string command;
  std::string input;  // its standard input
  bool retry = false;
  int status = 0;
  TextExpectation out, err;
};

/// Frames of a pcap file, which is read only when the scenario comes to it: a command may have made it.
struct CaptureFile { std::string path; };
/// The same frame so many times.
struct Frames { unsigned count = 1; Bytes frame; };

/// "PORT < PACKET".
struct InputStep {
  int line = 0;
  std::string port;
  std::variant<Frames, CaptureFile> what;
};

struct Nothing {};
/// What came in since the last expectations, in order.
struct Same {};
struct Patterns { unsigned count = 1; PacketPattern pattern; };

/// "PORT[,PORT...] > PACKETS".
struct OutputStep {
  int line = 0;
  std::vector<std::string> ports;
  std::variant<Nothing, Same, Frames, Patterns, CaptureFile> what;
};

/// "+DURATION".
struct TimeStep { int line = 0; Duration duration{}; };

using Step = std::variant<CommandStep, InputStep, OutputStep, TimeStep>;

struct Scenario {
  std::string path;   // as given by the user
  std::string title;  // the first comment line
  std::vector<Step> steps;
};

struct ScenarioError {
  int line = 0;
  std::string text;
};

std::expected<Scenario, std::vector<ScenarioError>> parse_scenario(std::string path, std::string_view text);
/// The format, for `sluice test --help`.
std::string_view scenario_help();

}  // namespace sluice::cli
