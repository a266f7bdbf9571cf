// SPDX-License-Identifier: Apache-2.0
// Player: goes through a scenario's steps on a testbed and notes everything that is not as the scenario says.
// In a world of real devices what commands print is not compared: times and the datapath's own words differ; packets and exit statuses are the same.
// It goes on after a difference, as one may explain the next, but not after a step that could not be done at all.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "utilities/sluice/scenario.h"
#include "utilities/sluice/testbed.h"

namespace sluice::cli {

struct Failure {
  int line = 0;      // 0: of no line
  std::string text;  // lines, each with its newline
};

/// What a command printed that was expected to print something else.
struct NewOutput {
  int line = 0;  // of the command
  std::string out, err;
};

class Player {
 public:
  Player(const Scenario& scenario, std::string scenario_directory, Testbed& bed);
  void play();
  const std::vector<Failure>& failures() const { return failures_; }
  const std::vector<NewOutput>& new_outputs() const { return new_outputs_; }

 private:
  // Each returns false if nothing more can be done.
  bool step(const CommandStep& s);
  bool step(const InputStep& s);
  bool step(const OutputStep& s);
  bool step(const TimeStep& s);
  bool input_frames(const InputStep& s, const std::vector<Bytes>& frames);
  bool input_capture(const InputStep& s, const std::string& path);
  bool fetch(int line);
  void close_group();  // what came out and was not asked for is a failure
  void expect(const OutputStep& s, const std::string& port, ByteView frame);
  void expect(const OutputStep& s, const std::string& port, const PacketPattern& pattern);
  bool as_expected(const CommandStep& s, const ShellResult& r) const;
  bool is_silent(const std::string& port);  // a bridge's own port, of which the scenario never says anything
  std::string find_file(const std::string& path) const;
  bool fail(int line, std::string text);
  bool stop(int line, std::string text);  // fail() and false

  const Scenario& scenario_;
  std::string scenario_directory_;
  Testbed& bed_;
  std::set<std::string> mentioned_;                   // ports that something is said of
  std::vector<Failure> failures_;
  std::vector<NewOutput> new_outputs_;
  std::map<std::string, std::deque<Bytes>> pending_;  // by port: came out, not yet expected
  std::vector<Bytes> received_;                       // in this group: what came in
  bool expecting_ = false;                            // the last step was an OutputStep
  int cause_ = 0;                                     // line of the step that the pending frames come from
};

}  // namespace sluice::cli
