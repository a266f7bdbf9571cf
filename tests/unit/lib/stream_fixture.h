// SPDX-License-Identifier: Apache-2.0
// For tests of streams: a real loop, a temporary directory, waiting for conditions.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/listener.h"

namespace sluice {

struct StreamTest : testing::Test {
  StreamTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice.XXXXXX").string();
    dir = mkdtemp(name.data());
  }
  ~StreamTest() override { std::filesystem::remove_all(dir); }
  /// Runs the loop until done() or 10 s have passed.
  template <typename F>
  bool until(F done) {
    Time end = clock.now() + seconds(10);
    while (!done()) {
      if (clock.now() > end) return false;
      loop.run_once(milliseconds(50));
    }
    return true;
  }
  void settle() {
    while (loop.run_once(milliseconds(5))) {
    }
  }
  Target target(std::string_view text) { return *parse_target(text, 6640, dir); }
  Target tcp_target(const Listener& l) { return target("tcp:127.0.0.1:" + std::to_string(l.bound_port())); }

  std::string dir;
  Clock clock;
  Loop loop{clock};
};

inline std::string text_of(ByteView v) { return {reinterpret_cast<const char*>(v.data()), v.size()}; }

}  // namespace sluice
