// SPDX-License-Identifier: Apache-2.0
// Counts the whole JSON objects of a stream that comes in pieces.
#pragma once

#include <string_view>

namespace sluice::bench {

class JsonCounter {
 public:
  void feed(std::string_view bytes) {
    for (char ch : bytes) {
      if (escaped_) escaped_ = false;
      else if (in_string_) {
        if (ch == '\\') escaped_ = true;
        else if (ch == '"') in_string_ = false;
      } else if (ch == '"') in_string_ = true;
      else if (ch == '{') depth_++;
      else if (ch == '}' && --depth_ == 0) count_++;
    }
  }
  int count() const { return count_; }

 private:
  int count_ = 0, depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

}  // namespace sluice::bench
